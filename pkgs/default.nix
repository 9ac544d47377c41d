# The package set: everything that images are made of, by name. images/default.nix calls it.
# A package is a folder pkgs/by-name/<name>/package.nix, a function of the names below; nothing
# registers it by hand. The kernel has its own folder at the top, kernel/.
{
  inputs,
  config ?
    throw "this is made for a profile; name one: xsc-compose build PROFILE -A pkgs.<attribute>",
}:
let
  # The seed's programs are x86_64's; what they compile for is `config.machine`.
  lib = import ./lib.nix { system = "x86_64-linux"; };

  # What a package may ask for: `lib`, the lock's `inputs`, the profile's `config`, and every
  # other package.
  scope = packages // {
    inherit lib inputs config;
  };

  callPackage =
    path:
    let
      function = import path;
    in
    function (builtins.intersectAttrs (builtins.functionArgs function) scope);

  byName = builtins.readDir ./by-name;

  packages = {
    linux = callPackage ../kernel;
    toolchain = callPackage ../toolchain;
  }
  // builtins.mapAttrs (name: _: callPackage (./by-name + "/${name}/package.nix")) byName;
in
packages // { inherit lib; }
