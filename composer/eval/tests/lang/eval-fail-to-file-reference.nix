builtins.toFile "x" (builtins.appendContext "text" { "/store/x.drv" = { outputs = [ "out" ]; }; })
