# What a profile composes to. The composer evaluates this file with the profile (its TOML as a
# value) and the lock's inputs, and builds `result`; `xsc-compose eval` can show the rest.
{ profile, inputs }:
let
  config = import ../modules { inherit profile; };

  pkgs = import ../pkgs { inherit inputs config; };

  inherit (pkgs) lib;

  name = "${profile.name}-${profile.variant}-${profile.system}";

  # Each kind of image is a file of this folder, a function of these names.
  call =
    path:
    import path {
      inherit
        lib
        pkgs
        profile
        config
        name
        rootfs
        ;
    };

  rootfs = import ./rootfs.nix { inherit lib pkgs; };

  kinds = {
    boot = call ./boot.nix;
    iso = call ./iso.nix;
    oci = call ./oci.nix;
  };

  wanted = builtins.listToAttrs (
    map (kind: {
      name = kind;
      value =
        kinds.${kind}
          or (throw "profile `${profile.name}` wants image `${kind}`; known are ${builtins.concatStringsSep ", " (builtins.attrNames kinds)}");
    }) profile.images
  );

  iso =
    wanted.iso or (throw "profile `${profile.name}` sets `options.bochs`, which needs image `iso`");

  # What an emulated processor with shadow stacks made of the ISO, if the profile asks: composing
  # fails when the tests inside do.
  bochs =
    if profile.options.bochs or false then
      {
        "/${name}-bochs" = pkgs.bochs {
          name = "${name}-bochs";
          inherit (iso) image file;
        };
      }
    else
      { };
in
{
  inherit config pkgs bochs;
  images = wanted;

  # One tree with every image of the profile: what `result` points to.
  result = lib.merge {
    name = "${name}-images";
    place = builtins.foldl' (all: kind: all // wanted.${kind}.place) bochs profile.images;
  };
}
