# Module sets and what they come to; composer/instantiate/tests/modules.rs holds the values.
# `same` is what every implementation of these names agrees on, nixpkgs' as well; `ours` is not.
{ lib }:
let
  scope = {
    ev = modules: (lib.evalModules { inherit modules; }).config;

    o = type: lib.mkOption { inherit type; };

    od = type: default: lib.mkOption { inherit type default; };

    # What fails is the same, too, if not in which words.
    try =
      value:
      let
        tried = builtins.tryEval (builtins.deepSeq value value);
      in
      if tried.success then tried.value else "fails";
  };

  cases = file: import file { inherit lib scope; };
in
{
  same =
    cases ./options.nix
    // cases ./definitions.nix
    // cases ./submodules.nix
    // {
      corners = cases ./corners.nix;
    };

  ours = cases ./ours.nix;
}
