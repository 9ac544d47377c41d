# What a profile composes to. The composer evaluates this file with the profile (its TOML as a
# value) and the lock's inputs, and builds `result`; `xsc-compose eval` can show the rest. Images
# read `config`: what modules/ make of the profile.
{ profile, inputs }:
let
  modules = import ../modules { inherit profile; };

  inherit (modules) config;

  pkgs = import ../pkgs { inherit inputs config; };

  inherit (pkgs) lib;

  name = "${config.profile.name}-${config.profile.variant}-${config.profile.system}";

  rootfs = {
    owners = [ ];
    audits = [ ];
    parts = [ ];
  }
  // import ./rootfs.nix {
    inherit
      lib
      pkgs
      config
      name
      ;
    inherit (modules) options;
  };

  described = import ./manifest.nix { inherit lib name; };

  # What the five files of a kind may ask for, beside each other.
  scope = {
    inherit
      lib
      pkgs
      config
      name
      rootfs
      described
      ;
    # Every kind of the profile, of which one may carry another.
    inherit kinds;
    initramfs = import ./initramfs.nix { inherit lib config name; };
  };

  kinds = builtins.listToAttrs (
    map (kind: {
      name = kind;
      value = import ./kind.nix scope kind;
    }) config.profile.images
  );

  # What an emulated processor with shadow stacks made of the ISO, if the profile asks: composing
  # fails when the tests inside do.
  bochs =
    if config.test.bochs then
      {
        "/${name}-bochs" = pkgs.bochs {
          name = "${name}-bochs";
          inherit (kinds.iso) image file;
          script = if profile ? test && profile.test ? script then ../profiles + "/${profile.test.script}" else null;
        };
      }
    else
      { };

  # The images and what else is said of them.
  documented = lib.merge {
    name = "${name}-files";
    trees = [
      (lib.sbom {
        name = "${name}-sbom";
        title = name;
        file = "${name}.spdx.json";
        inherit (rootfs) tree;
      })
    ]
    ++ builtins.concatMap (kind: kinds.${kind}.trees or [ ]) config.profile.images;
    place = builtins.foldl' (
      all: kind: all // kinds.${kind}.place
    ) (bochs // audit) config.profile.images;
  };

  # Of a whole system; an image with the kernel's tests has programs that trap on purpose.
  audit = if rootfs ? audit then { "/${name}.audit" = rootfs.audit; } else { };
in
{
  manifest = described rootfs;

  inherit
    config
    pkgs
    lib
    rootfs
    bochs
    ;
  inherit (modules) options reference;
  images = kinds;

  # One tree with every image of the profile, the audit's report, the bill of materials, and the sums of all
  # of them: what `result` points to.
  result = lib.merge {
    name = "${name}-images";
    trees = [
      documented
      (lib.sums {
        name = "${name}-sums";
        tree = documented;
      })
    ];
  };
}
