map builtins.pathExists [ ./lib-dir ./lib-dir/one.nix ./missing ./lib-dir/one.nix/below ]
