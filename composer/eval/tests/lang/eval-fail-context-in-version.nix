builtins.compareVersions "1" (builtins.appendContext "2" { "/store/x.drv" = { outputs = [ "out" ]; }; })
