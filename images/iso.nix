# A hybrid ISO that boots under BIOS and UEFI, from a CD and from a disk: the kernel, the root
# file system as initramfs, and GRUB from the seed.
{
  lib,
  pkgs,
  config,
  name,
  rootfs,
  ...
}:
let
  initramfs = lib.initramfs {
    inherit (config.boot) compression;
    name = "${name}-initramfs";
    inherit (rootfs) tree nodes;
    owners = rootfs.owners or [ ];
    audits = rootfs.audits or [ ];
  };

  loader = pkgs.grub {
    inherit (config.boot) cmdline;
    title = "XSC OS ${name}";
    marker = "xsc-${name}.id";
  };

  file = "${name}.iso";

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
        pkgs.linux.kernel
      ];
      place."/boot" = initramfs;
    };
  };
in
{
  inherit image file initramfs;
  place."/" = image;
}
