let name = builtins.appendContext "a" { "/store/x" = { path = true; }; }; in { a = 1; }.${name}
