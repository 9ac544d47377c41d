# What is in a root, as text: docs/formats/manifest.md. The attribute `manifest` makes it of every profile, and the
# kinds of images of theirs.
{ lib, name }:
root:
lib.manifest {
  name = "${name}-manifest";
  file = "${name}.manifest";
  inherit (root)
    tree
    nodes
    owners
    parts
    ;
}
