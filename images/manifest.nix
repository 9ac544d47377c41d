# What is in the root of a profile, as text: docs/formats/manifest.md. The attribute `manifest` makes it of every
# profile, and a disk has it beside it.
{
  lib,
  name,
  rootfs,
  ...
}:
lib.manifest {
  name = "${name}-manifest";
  file = "${name}.manifest";
  inherit (rootfs) tree nodes;
  owners = rootfs.owners or [ ];
  parts = rootfs.parts or [ ];
}
