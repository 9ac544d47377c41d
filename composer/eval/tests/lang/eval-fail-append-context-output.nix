builtins.appendContext "x" { "/store/1-source" = { outputs = [ "out" ]; }; }
