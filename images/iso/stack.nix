# What an ISO boots with: GRUB from the seed for BIOS and for UEFI, and the kernel.
{
  pkgs,
  config,
  name,
}:
{
  inherit (pkgs.linux) kernel;

  loader = pkgs.grub {
    marker = "xsc-${name}.id";
    entries = [
      {
        title = "XSC OS ${name}";
        lines = [
          "linux /boot/vmlinuz ${builtins.concatStringsSep " " config.boot.cmdline}"
          "initrd /boot/initramfs"
        ];
      }
    ];
  };
}
