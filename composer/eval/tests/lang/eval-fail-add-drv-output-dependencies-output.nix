builtins.addDrvOutputDependencies (builtins.appendContext "x" { "/store/1-x.drv" = { outputs = [ "dev" ]; }; })
