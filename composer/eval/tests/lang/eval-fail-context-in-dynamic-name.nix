let name = builtins.appendContext "a" { "/store/x" = { path = true; }; }; in { ${name} = 1; }
