# The root file system of a profile, as a tree and the nodes that a tree cannot carry: of a whole system, if the
# profile has the module `system`, else an init with tests. boot.nix and iso.nix pack it as the initramfs, oci.nix as
# the layer of a container image.
{
  lib,
  pkgs,
  config,
  options,
  name,
}:
if config ? init then
  import ./system.nix {
    inherit
      lib
      pkgs
      config
      options
      name
      ;
  }
else
  rec {
    parts = [ pkgs.xsc-tests ] ++ map (package: pkgs.${package}) config.test.packages;

    tree = lib.merge {
      name = "rootfs";
      trees = parts;
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
