# What is in a root, as text: docs/formats/manifest.md. The attribute `manifest` makes it of every profile, and the
# kinds of images of theirs.
{ lib, name }:
root:
let
  # Which of a profile's roots it is, where they differ and stand beside each other.
  which = root.which or "";
in
lib.manifest {
  name = "${name}${which}-manifest";
  file = "${name}${which}.manifest";
  inherit (root)
    tree
    nodes
    owners
    parts
    ;
}
