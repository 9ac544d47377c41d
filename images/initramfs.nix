# The root of a profile as an initramfs, which the kernel unpacks into memory. Kinds without a disk of their own call it.
{
  lib,
  config,
  name,
}:
root:
lib.initramfs {
  inherit (config.boot) compression;
  name = "${name}-initramfs";
  inherit (root)
    tree
    nodes
    owners
    audits
    ;
}
