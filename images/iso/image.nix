# A hybrid ISO that boots under BIOS and UEFI, from a CD and from a disk.
{
  lib,
  pkgs,
  config,
  name,
  stack,
  filesystem,
  firstBoot,
  manifest,
  kinds,
}:
let
  inherit (filesystem) initramfs;

  inherit (stack) loader;

  file = "${name}.iso";

  # Under the name that the installer knows.
  disk = lib.run {
    name = "${name}-iso-disk";
    root = pkgs.seed.base;
    mounts."/src/disk" = kinds.disk.raw;
    script = ''
      mkdir -p $out
      cp /src/disk/${name}.img $out/disk.img
    '';
  };

  live = lib.merge {
    name = "${name}-iso-live";
    trees = [ filesystem.image ] ++ (if firstBoot.installs then [ disk ] else [ ]);
  };

  image = lib.iso {
    name = "${name}-iso";
    inherit file;
    inherit (config.boot) volumeId;
    loader = loader.images;
    inherit (loader) esp;
    tree = lib.merge {
      name = "${name}-iso-tree";
      trees = [
        loader.config
        stack.kernel
      ];
      place = {
        "/boot" = initramfs;
      }
      // (if firstBoot.live then { "/live" = live; } else { });
    };
  };
in
{
  inherit
    image
    file
    initramfs
    manifest
    ;
  place."/" = image;
}
