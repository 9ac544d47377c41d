let p = { name = "p"; }; in "${p}/bin"
