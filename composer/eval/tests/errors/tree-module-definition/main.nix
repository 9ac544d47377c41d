let
  lib = import ./lib/default.nix;
in
lib.evaluate [ (import ./web.nix) ]
