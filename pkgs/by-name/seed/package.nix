# The seed: the distribution packages that the lock pins, unpacked and merged into root trees.
# `seed.<set>` is the tree of one set of flake-like.toml, closed under dependencies.
# These are the only binaries that enter; an image that contains a file of the seed says so.
{ lib, inputs }:
let
  unpacked = builtins.mapAttrs (
    name: package:
    lib.unpackDeb {
      name = "${name}-${package.version}";
      src = lib.fetch package;
    }
  ) inputs.seed.packages;

  # What maintainer scripts would have made: they never run here.
  alternatives = {
    "/usr/bin/awk" = "mawk";
  };
in
builtins.mapAttrs (
  set: names:
  lib.merge {
    name = "seed-${set}";
    trees = map (name: unpacked.${name}) names;
    links = alternatives;
  }
) inputs.seed.sets
