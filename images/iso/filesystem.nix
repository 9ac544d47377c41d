# The root of an ISO: all of it as an initramfs, or of a live ISO as an EROFS file on the medium, with the installer in it.
{
  lib,
  config,
  name,
  rootfs,
  initramfs,
  firstBoot,
}:
let
  tree = lib.merge {
    name = "${name}-live-rootfs";
    trees = [
      rootfs.tree
      firstBoot.programs
    ];
  };

  live = rootfs // {
    inherit tree;
    parts = rootfs.parts ++ [ firstBoot.programs ];
    audits =
      if rootfs ? auditOf then [ (rootfs.auditOf "${name}-live-audit" tree { }) ] else rootfs.audits;
  };
in
if firstBoot.live then
  live
  // {
    initramfs = firstBoot.finder;
    image = lib.erofs {
      name = "${name}-live";
      file = "root.erofs";
      inherit (live)
        tree
        nodes
        owners
        audits
        ;
    };
  }
else
  rootfs
  // {
    initramfs = initramfs rootfs;
  }
