# The root file system of the minimal system, as a tree and the nodes that a tree cannot carry.
# iso.nix packs it as the initramfs, oci.nix as the layer of a container image.
{ lib, pkgs }:
{
  tree = lib.merge {
    name = "rootfs";
    trees = [ pkgs.xsc-tests ];
  };

  nodes =
    let
      directory = mode: {
        type = "directory";
        inherit mode;
      };
      char = major: minor: mode: {
        type = "char";
        inherit major minor mode;
      };
    in
    {
      "/dev" = directory "0755";
      # The kernel opens it for init before anything is mounted.
      "/dev/console" = char 5 1 "0600";
      "/dev/null" = char 1 3 "0666";
      "/proc" = directory "0555";
      "/sys" = directory "0555";
      "/tmp" = directory "1777";
    };
}
