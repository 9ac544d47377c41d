(import ./lib-broken.nix).value
