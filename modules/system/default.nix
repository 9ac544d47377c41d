# A whole system: what turns packages into something that boots to a login. Each file is a topic: its options,
# and the files that it makes of them. Invariant: all that a topic gives to the image are entries of `files`,
# `directories` and `permissions`, which images/rootfs.nix reads; nothing else writes into it.
{ lib, ... }:
{
  imports = [
    ./audit.nix
    ./busybox.nix
    ./dhcpcd.nix
    ./files.nix
    ./finit.nix
    ./host.nix
    ./network.nix
    ./packages.nix
    ./services.nix
    ./systemd.nix
    ./users.nix
  ];

  # Behind those of the machine.
  kernel.fragments = [
    "vm"
    "system"
    "xsc"
  ];

  boot.compression = lib.mkDefault "zstd";

  boot.cmdline = [
    # An emulator on a busy machine may be too late for the kernel's check that timers interrupt.
    "no_timer_check"
    # The driver makes one that nobody asked for.
    "dummy.numdummies=0"
  ];
}
