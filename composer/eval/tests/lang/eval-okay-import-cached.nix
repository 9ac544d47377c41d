let a = import ./lib-dir/one.nix; b = import ./lib-dir/one.nix; in [ a.value (a == b) ]
