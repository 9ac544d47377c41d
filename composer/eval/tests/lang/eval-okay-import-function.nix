(import ./lib-function.nix { first = 3; }).result
