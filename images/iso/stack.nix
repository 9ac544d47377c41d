# What an ISO boots with: GRUB from the seed for BIOS and for UEFI, and the kernel. A menu is shown where there is a
# choice: a live ISO that installs.
{
  pkgs,
  config,
  name,
  firstBoot,
}:
let
  marker = "xsc-${name}.id";

  cmdline = builtins.concatStringsSep " " (
    config.boot.cmdline ++ (if firstBoot.live then [ "xsc.live=/boot/grub/${marker}" ] else [ ])
  );

  entry = title: words: {
    inherit title;
    lines = [
      "linux /boot/vmlinuz ${cmdline}${words}"
      "initrd /boot/initramfs"
    ];
  };
in
{
  inherit (pkgs.linux) kernel;

  loader = pkgs.grub {
    inherit marker;
    timeout = if firstBoot.installs then 5 else 0;
    entries = [
      (entry "XSC OS ${name}" "")
    ]
    ++ (
      if firstBoot.installs then
        [ (entry "Install XSC OS ${name} on a disk" " xsc.run=${firstBoot.installer}" // { hotkey = "i"; }) ]
      else
        [ ]
    );
  };
}
