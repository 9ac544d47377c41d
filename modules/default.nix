# Merges the modules that a profile names into one `config`; images/default.nix calls it.
# A module is a function of { profile } that returns a part of `config`. Attribute sets merge,
# lists join in the profile's order, and two different values for one name are an error. The module
# of the profile's machine comes first.
{ profile }:
let
  merge =
    path: left: right:
    if builtins.isAttrs left && builtins.isAttrs right then
      left
      // builtins.mapAttrs (
        name: value:
        if builtins.hasAttr name left then merge "${path}.${name}" left.${name} value else value
      ) right
    else if builtins.isList left && builtins.isList right then
      left ++ right
    else if left == right then
      left
    else
      throw "two modules of profile `${profile.name}` set `${path}` to different values";

  load = name: import (./. + "/${name}.nix") { inherit profile; };
in
builtins.foldl' (merge "config") { } (
  map load ([ "machines/${profile.system}" ] ++ profile.modules)
)
