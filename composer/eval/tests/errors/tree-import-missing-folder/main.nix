import ./module/network.nix
