# The root file system of a disk: the profile's root, with as much room as its options say.
{ config, rootfs }:
let
  inherit (config.image.disk) free size verity;
in
rootfs
// {
  inherit size verity;
  # A root that can only be read needs no room.
  free = if verity then 0 else free;
}
