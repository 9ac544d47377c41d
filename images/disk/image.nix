# A disk that boots under BIOS and UEFI: a GUID partition table, the boot loader's partitions, and an ext4 root that is
# written to, or with `image.disk.verity` one that is only read and checked block by block.
{
  lib,
  pkgs,
  config,
  name,
  rootfs,
}:
let
  inherit (config.image.disk) format;

  filesystem = import ./filesystem.nix { inherit config rootfs; };

  stack = import ./stack.nix {
    inherit
      pkgs
      lib
      config
      name
      ;
    inherit (filesystem) verity;
  };

  manifest = import ../manifest.nix { inherit lib name rootfs; };

  file = "${name}.${if format == "raw" then "img" else format}";

  image = lib.disk (
    filesystem
    // {
      name = "${name}-disk";
      inherit file format;
      inherit (stack) loader esp menu;
    }
  );
in
{
  inherit file image manifest;

  # Files at the top of the result, beside those of other kinds.
  trees = [
    image
    manifest
  ];
  place = { };
}
