# Kernel, initramfs and command line as three files, for a machine that loads them itself, as QEMU
# does: faster to make and to boot than an ISO, and the only way to boot aarch64. composer/cli reads
# the names; `cmdline` is one line of text.
{
  lib,
  pkgs,
  config,
  name,
  rootfs,
  ...
}:
let
  initramfs = lib.initramfs {
    inherit (config.boot) compression;
    name = "${name}-initramfs";
    inherit (rootfs) tree nodes;
    owners = rootfs.owners or [ ];
    audits = rootfs.audits or [ ];
  };

  files = lib.run {
    name = "${name}-boot";
    root = pkgs.seed.base;
    mounts = {
      "/src/kernel" = pkgs.linux.kernel;
      "/src/initramfs" = initramfs;
    };
    env.cmdline = builtins.concatStringsSep " " config.boot.cmdline;
    script = ''
      mkdir -p $out
      cp /src/kernel/boot/vmlinuz /src/initramfs/initramfs $out/
      printf '%s\n' "$cmdline" >$out/cmdline
    '';
  };
in
{
  inherit files initramfs;
  place."/${name}.boot" = files;
}
