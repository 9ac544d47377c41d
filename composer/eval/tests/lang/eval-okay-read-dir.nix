[ (builtins.readDir ./lib-dir) (builtins.readFileType ./lib-dir/one.nix) ]
