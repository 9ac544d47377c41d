# What a disk boots with: GRUB for BIOS and for UEFI from one menu, and the kernel, all on the EFI system partition.
# Invariant: GRUB finds its menu on the disk that it came from, and the kernel its root by the GUID
# that the composer puts into the menu, so two disks of one image in a machine are not mixed up by GRUB.
{
  pkgs,
  lib,
  config,
  name,
  filesystem,
  firstBoot,
}:
let
  root =
    if filesystem.verity then
      "'dm-mod.create=root,,,ro,@VERITY@' dm-mod.waitfor=PARTUUID=@VERITY_UUID@,PARTUUID=@ROOT_UUID@ root=/dev/dm-0 ro${type}"
    else if filesystem.format == "erofs" then
      "root=PARTUUID=@ROOT_UUID@ rootwait ro${type}"
    else
      "root=PARTUUID=@ROOT_UUID@ rootwait rw";

  # The kernel tries ext4 first.
  type = if filesystem.format == "erofs" then " rootfstype=erofs" else "";

  # The init of an image with tests is not where the kernel looks.
  init =
    if firstBoot.grows then
      " init=${firstBoot.init}"
    else if config ? init then
      ""
    else
      " init=/init";

  programs = lib.run {
    name = "${name}-disk-loader";
    root = pkgs.seed.boot;
    mounts."/src/kernel" = pkgs.linux.kernel;
    outputs = [
      "bios"
      "esp"
    ];
    script = ''
      mkdir -p $bios $esp/EFI/BOOT
      cp /src/kernel/boot/vmlinuz $esp/
      shared="part_gpt fat normal configfile linux serial terminal"
      grub-mkimage -O i386-pc -d /usr/lib/grub/i386-pc -p '(,gpt2)/grub' -o $bios/core.img biosdisk $shared
      cp /usr/lib/grub/i386-pc/boot.img $bios/
      grub-mkimage -O x86_64-efi -d /usr/lib/grub/x86_64-efi -p /grub -o $esp/EFI/BOOT/BOOTX64.EFI $shared
    '';
  };
in
{
  loader = programs.bios;
  inherit (programs) esp;

  menu = import ../../pkgs/by-name/grub/menu.nix {
    entries = [
      {
        title = "XSC OS ${name}";
        lines = [
          "linux /vmlinuz ${builtins.concatStringsSep " " config.boot.cmdline} ${root}${init}"
        ];
      }
    ];
  };
}
