builtins.appendContext "x" { source = { path = true; }; }
