# The root file system of a disk: the profile's root, with as much room as its options say. image.nix calls it.
# Invariant: what is in it is the root that every other kind of image has.
{ config, rootfs }:
let
  inherit (config.image.disk) free size verity;
in
{
  inherit (rootfs) tree nodes;
  owners = rootfs.owners or [ ];
  audits = rootfs.audits or [ ];
  inherit size verity;
  # A root that can only be read needs no room.
  free = if verity then 0 else free;
}
