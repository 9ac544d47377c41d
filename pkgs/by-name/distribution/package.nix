# Packages of a distribution as one tree: `sets` of an input of flake-like.toml, each path by one of them.
{ lib, inputs }:
{ input, sets }:
let
  inherit (inputs.${input}) packages;

  names = builtins.attrNames (
    builtins.listToAttrs (
      map (name: {
        inherit name;
        value = null;
      }) (builtins.concatMap (set: inputs.${input}.sets.${set}) sets)
    )
  );
in
lib.merge {
  name = input;
  trees = map (
    name:
    lib.unpackDeb {
      name = "${name}-${packages.${name}.version}";
      src = lib.fetch packages.${name};
    }
  ) names;
}
