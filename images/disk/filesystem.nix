# The root file system of a disk: the profile's root and what its first boot needs, with as much room as its options say.
# Invariant: what is only read, for its hashes or for its format, has no room and no first boot.
{
  lib,
  config,
  name,
  rootfs,
  firstBoot,
}:
let
  inherit (config.image.disk) free size verity;

  format = config.image.disk.filesystem;

  tree = lib.merge {
    name = "${name}-disk-rootfs";
    trees = [
      rootfs.tree
      firstBoot.programs
    ];
  };
in
rootfs
// {
  inherit size verity format;
  # A root that can only be read needs no room.
  free = if verity || format == "erofs" then 0 else free;
}
// (
  if firstBoot.grows then
    {
      inherit tree;
      parts = rootfs.parts ++ [ firstBoot.programs ];
      audits =
        if rootfs ? auditOf then [ (rootfs.auditOf "${name}-disk-audit" tree { }) ] else rootfs.audits;
    }
  else
    { }
)
