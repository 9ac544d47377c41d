# A disk that boots under BIOS and UEFI: a GUID partition table, the boot loader's partitions, and an ext4 root that is
# written to, or one that is only read: EROFS, or with `image.disk.verity` either, checked block by block.
{
  lib,
  config,
  name,
  stack,
  filesystem,
  manifest,
}:
let
  inherit (config.image.disk) format;

  disk =
    { file, format }:
    lib.disk {
      name = "${name}-disk";
      inherit file format;
      filesystem = filesystem.format;
      inherit (filesystem)
        tree
        nodes
        owners
        audits
        free
        size
        verity
        ;
      inherit (stack) loader esp menu;
    };

  file = "${name}.${if format == "raw" then "img" else format}";

  image = disk { inherit file format; };
in
{
  inherit file image manifest;

  # As a machine's disk holds it, for an ISO that installs it.
  raw =
    if format == "raw" then
      image
    else
      disk {
        file = "${name}.img";
        format = "raw";
      };

  # Files at the top of the result, beside those of other kinds.
  trees = [
    image
    manifest
  ];
  place = { };
}
