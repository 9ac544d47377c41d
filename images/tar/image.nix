# The root file system as an archive with owners, modes, devices, hard links and extended attributes:
# `tar --extract --numeric-owner --xattrs --xattrs-include='*' --file NAME.tar.zst`.
{
  lib,
  name,
  filesystem,
  manifest,
}:
let
  file = "${name}.tar.zst";

  image = lib.tar {
    name = "${name}-tar";
    inherit file;
    inherit (filesystem)
      tree
      nodes
      owners
      audits
      ;
  };
in
{
  inherit file image manifest;
  trees = [
    image
    manifest
  ];
  place = { };
}
