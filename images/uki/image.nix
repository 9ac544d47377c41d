# One program of UEFI that is kernel, initramfs and command line: a unified kernel image, as its specification lays out
# the sections. It is made in a folder that can be copied to any FAT file system, from which firmware then starts it.
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

  folder = lib.run {
    name = "${name}-uki";
    root = pkgs.seed.kernel;
    mounts = {
      "/src/kernel" = stack.kernel;
      "/src/initramfs" = initramfs;
      "/src/stub" = stack.stub;
    };
    env = {
      inherit (stack) cmdline osRelease;
      release = "${pkgs.linux.version}-xsc";
    };
    script = ''
      printf %s "$osRelease" >osrel
      printf %s "$cmdline" >cmdline
      printf %s "$release" >uname
      ln -s /src/kernel/boot/vmlinuz linux
      ln -s /src/initramfs/initramfs initrd
      at=65536
      sections=()
      for part in osrel cmdline uname linux initrd; do
        sections+=(--add-section ".$part=$part" --change-section-vma ".$part=$at")
        sections+=(--set-section-flags ".$part=contents,alloc,load,readonly,data")
        at=$(((at + $(stat -Lc %s $part) + 4095) / 4096 * 4096))
      done
      mkdir -p $out/EFI/BOOT
      image=$out/EFI/BOOT/BOOTX64.EFI
      objcopy "''${sections[@]}" /src/stub/stub.efi $image
      # The time in PE's header, which is at 128, and the sum over all, which nobody asks for.
      for at in 136 216; do
        printf '\0\0\0\0' | dd of=$image bs=1 seek=$at conv=notrunc status=none
      done
    '';
  };
in
{
  inherit folder initramfs manifest;
  place."/${name}.uki" = folder;
}
