[ (builtins.placeholder "out") (placeholder "dev") (placeholder "out" == placeholder "dev") ]
