import ./modules/network.nix
