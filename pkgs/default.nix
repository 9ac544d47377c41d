# The package set: everything that images are made of, by name. images/default.nix calls it.
# A package is a folder pkgs/by-name/<name>/package.nix, a function of the names below; nothing
# registers it by hand. The kernel has its own folder at the top, kernel/.
# What asks for `build` is a package for XSC: there is one for each target, `x86_64-base.bash`, and
# `bash` is that of the profile's machine and variant.
{
  inputs,
  config ?
    throw "this is made for a profile; name one: xsc-compose build PROFILE -A pkgs.<attribute>",
}:
let
  # The seed's programs are x86_64's; what they compile for is `config.machine`.
  lib = import ./lib.nix { system = "x86_64-linux"; };

  machines = import ../toolchain/machines.nix;

  byName = builtins.mapAttrs (name: _: import (./by-name + "/${name}/package.nix")) (
    builtins.readDir ./by-name
  );

  isTarget = function: builtins.functionArgs function ? build;

  select =
    wanted:
    builtins.listToAttrs (
      builtins.concatMap (
        name:
        if isTarget byName.${name} == wanted then
          [
            {
              inherit name;
              value = byName.${name};
            }
          ]
        else
          [ ]
      ) (builtins.attrNames byName)
    );

  # What a package may ask for: `lib`, the lock's `inputs`, the profile's `config`, and every
  # other package; a package for XSC also `build`, `machine`, and packages of its own target.
  call = scope: function: function (builtins.intersectAttrs (builtins.functionArgs function) scope);

  scope = packages // {
    inherit
      lib
      inputs
      config
      profileTarget
      ;
  };

  packages = {
    linux = call scope (import ../kernel);
    toolchain = call scope (import ../toolchain);
    debian-base = call (scope // targets) (import ./build-support/rebase);
  }
  // builtins.mapAttrs (_: call (scope // targets)) (select false);

  # Debian's compiler and C library: what our packages are compared with.
  stock = import ./build-support/stock.nix {
    inherit lib inputs;
    inherit (packages) seed;
  };

  target =
    arch: variant:
    let
      name = "${arch}-${variant}";

      toolchain = if variant == "stock" then stock else packages.toolchain.${name};

      machine = machines.${arch} // {
        inherit arch variant;
        triplet = toolchain.triplet or machines.${arch}.triplet;
      };

      support = import ./build-support {
        inherit lib machine;
        inherit (packages) seed;
        target = name;
        inherit toolchain;
      };

      targetScope =
        scope
        // own
        // {
          inherit (support) build userlandTests;
          inherit machine;
        };

      own = builtins.mapAttrs (_: call targetScope) (select true);
    in
    own
    // support.runtime
    // {
      inherit (support) guards system userlandTests;
      # Each package as `.deb` and `.rpm`.
      pool = support.pool (builtins.filter (package: package ? deb) (builtins.attrValues own));
    };

  targets = builtins.listToAttrs (
    builtins.concatMap (
      arch:
      map
        (variant: {
          name = "${arch}-${variant}";
          value = target arch variant;
        })
        [
          "base"
          "cfi"
        ]
    ) (builtins.attrNames machines)
  )
  // {
    x86_64-stock = target "x86_64" "stock" // {
      sysroot = stock.glibc.libc;
    };
  };

  # What the profile's machine and variant mean.
  profileTarget = rec {
    arch = builtins.head (builtins.split "-" config.profile.system);
    name = "${arch}-${config.profile.variant}";
    packages = targets.${name};
    toolchain = toolchains.${name};
  };

  toolchains = packages.toolchain;

  # Those of the profile: their names are known without one.
  chosen = builtins.mapAttrs (name: _: profileTarget.packages.${name}) targets.x86_64-base;
in
targets // chosen // packages // { inherit lib profileTarget; }
