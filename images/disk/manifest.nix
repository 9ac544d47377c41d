# What is in the root of a disk, as text beside it: docs/formats/manifest.md. image.nix calls it.
{
  lib,
  name,
  filesystem,
}:
lib.manifest {
  name = "${name}-manifest";
  file = "${name}.manifest";
  inherit (filesystem) tree nodes owners;
}
