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

  # Each kind of image is a file of this folder, a function of these names.
  call =
    path:
    import path {
      inherit
        lib
        pkgs
        config
        name
        rootfs
        ;
    };

  rootfs = import ./rootfs.nix {
    inherit
      lib
      pkgs
      config
      name
      ;
    inherit (modules) options;
  };

  kinds = {
    boot = call ./boot.nix;
    disk = call ./disk/image.nix;
    iso = call ./iso.nix;
    oci = call ./oci.nix;
  };

  wanted = builtins.listToAttrs (
    map (kind: {
      name = kind;
      value = kinds.${kind};
    }) config.profile.images
  );

  # What an emulated processor with shadow stacks made of the ISO, if the profile asks: composing
  # fails when the tests inside do.
  bochs =
    if config.test.bochs then
      {
        "/${name}-bochs" = pkgs.bochs {
          name = "${name}-bochs";
          inherit (wanted.iso) image file;
          script = if profile ? test && profile.test ? script then ../profiles + "/${profile.test.script}" else null;
        };
      }
    else
      { };

  # The images and what else is said of them.
  described = lib.merge {
    name = "${name}-files";
    trees = [
      (lib.sbom {
        name = "${name}-sbom";
        title = name;
        file = "${name}.spdx.json";
        inherit (rootfs) tree;
      })
    ]
    ++ builtins.concatMap (kind: wanted.${kind}.trees or [ ]) config.profile.images;
    place = builtins.foldl' (
      all: kind: all // wanted.${kind}.place
    ) (bochs // audit) config.profile.images;
  };

  # Of a whole system; an image with the kernel's tests has programs that trap on purpose.
  audit = if rootfs ? audit then { "/${name}.audit" = rootfs.audit; } else { };
in
{
  manifest = call ./manifest.nix;

  inherit
    config
    pkgs
    lib
    rootfs
    bochs
    ;
  inherit (modules) options reference;
  images = wanted;

  # One tree with every image of the profile, the audit's report, the bill of materials, and the sums of all
  # of them: what `result` points to.
  result = lib.merge {
    name = "${name}-images";
    trees = [
      described
      (lib.sums {
        name = "${name}-sums";
        tree = described;
      })
    ];
  };
}
