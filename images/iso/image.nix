# A hybrid ISO that boots under BIOS and UEFI, from a CD and from a disk.
{
  lib,
  config,
  name,
  stack,
  filesystem,
  manifest,
}:
let
  inherit (filesystem) initramfs;

  inherit (stack) loader;

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
        stack.kernel
      ];
      place."/boot" = initramfs;
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
