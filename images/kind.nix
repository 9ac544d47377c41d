# A kind of image from the five files of its folder: `stack` (what it boots with), `filesystem` (the root that it has),
# `first-boot` (what happens in it once), `manifest` (what is in it) and `image`, which puts them together.
# default.nix calls it. Invariant: each file asks for what it needs by name, and nothing else reaches it.
scope: kind:
let
  part =
    file:
    let
      function = import (./. + "/${kind}/${file}.nix");
    in
    function (builtins.intersectAttrs (builtins.functionArgs function) parts);

  parts = scope // {
    stack = part "stack";
    filesystem = part "filesystem";
    firstBoot = part "first-boot";
    manifest = part "manifest";
  };
in
part "image"
