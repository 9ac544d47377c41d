# Every boot is the first: what is written is in memory. A live ISO has an initramfs that finds the medium and lays
# memory over the root on it; and if the profile makes a disk too, the ISO has that with it, and a program that installs it.
{
  lib,
  pkgs,
  config,
  name,
}:
let
  programs = pkgs.xsc-boot;
in
{
  inherit (config.image.iso) live;
  installs = config.image.iso.live && builtins.elem "disk" config.profile.images;
  inherit programs;
  installer = "/usr/bin/xsc-install";

  # The initramfs of a live ISO: one program.
  finder = lib.initramfs {
    name = "${name}-live-initramfs";
    inherit (config.boot) compression;
    tree = lib.merge {
      name = "${name}-live-root";
      trees = [ programs ];
      links."/init" = "usr/lib/xsc/live";
    };
    nodes =
      let
        directory = {
          type = "directory";
          mode = "0755";
        };
      in
      {
        "/dev" = directory;
        "/proc" = directory;
        "/sys" = directory;
        "/dev/console" = {
          type = "char";
          major = 5;
          minor = 1;
          mode = "0600";
        };
      };
  };
}
