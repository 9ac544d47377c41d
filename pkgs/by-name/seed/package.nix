# The seed: the distribution packages that the lock pins, unpacked and merged into root trees.
# `seed.base` is a shell with the usual tools; every other set of flake-like.toml comes with it.
# These are the only binaries that enter; an image that contains a file of the seed says so.
{ lib, inputs }:
let
  inherit (inputs.seed) packages sets;

  unpacked = builtins.mapAttrs (
    name: package:
    lib.unpackDeb {
      name = "${name}-${package.version}";
      src = lib.fetch package;
    }
  ) packages;

  unique =
    names:
    builtins.attrNames (
      builtins.listToAttrs (
        map (name: {
          inherit name;
          value = null;
        }) names
      )
    );

  # What maintainer scripts would have made: they never run here.
  alternatives = {
    "/usr/bin/awk" = "mawk";
  };
in
builtins.mapAttrs (
  set: names:
  lib.merge {
    name = "seed-${set}";
    trees = map (name: unpacked.${name}) (unique (sets.base ++ names));
    links = alternatives;
  }
) sets
