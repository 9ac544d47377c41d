import ../../../../../../../../../../outside.nix
