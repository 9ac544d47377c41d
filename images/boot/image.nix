# Kernel, initramfs and command line as three files, for a machine that loads them itself, as QEMU
# does: faster to make and to boot than an ISO, and the only way to boot aarch64. composer/cli reads
# the names; `cmdline` is one line of text.
{
  lib,
  pkgs,
  name,
  stack,
  filesystem,
  manifest,
}:
let
  inherit (filesystem) initramfs;

  files = lib.run {
    name = "${name}-boot";
    root = pkgs.seed.base;
    mounts = {
      "/src/kernel" = stack.kernel;
      "/src/initramfs" = initramfs;
    };
    env = { inherit (stack) cmdline; };
    script = ''
      mkdir -p $out
      cp /src/kernel/boot/vmlinuz /src/initramfs/initramfs $out/
      printf '%s\n' "$cmdline" >$out/cmdline
    '';
  };
in
{
  inherit files initramfs manifest;
  place."/${name}.boot" = files;
}
