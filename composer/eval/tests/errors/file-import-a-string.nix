import "modules/network.nix"
