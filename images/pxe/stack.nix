# What a machine loads first: GRUB that speaks TFTP, for the BIOS's and for UEFI's own PXE, or a script where iPXE does
# the work. Invariant: all three boot the same kernel with the same words.
{
  pkgs,
  lib,
  config,
  name,
}:
let
  cmdline = builtins.concatStringsSep " " config.boot.cmdline;
in
{
  inherit (pkgs.linux) kernel;

  menu = import ../../pkgs/by-name/grub/menu.nix {
    entries = [
      {
        title = "XSC OS ${name}";
        lines = [
          "linux /vmlinuz ${cmdline}"
          "initrd /initramfs"
        ];
      }
    ];
  };

  script = ''
    #!ipxe
    kernel vmlinuz ${cmdline} initrd=initramfs
    initrd initramfs
    boot
  '';

  programs = lib.run {
    name = "${name}-pxe-loader";
    root = pkgs.seed.boot;
    script = ''
      mkdir -p $out
      shared="tftp normal configfile linux serial terminal"
      grub-mkimage -O i386-pc-pxe -d /usr/lib/grub/i386-pc -p /grub -o $out/grub.0 pxe $shared
      grub-mkimage -O x86_64-efi -d /usr/lib/grub/x86_64-efi -p /grub -o $out/bootx64.efi efinet $shared
    '';
  };
}
