import ./lib-syntax.nix
