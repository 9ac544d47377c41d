# The smallest system that proves the chain: a kernel with the XSC driver, and an initramfs with
# an init that runs the ring tests and says how they went.
{ profile }:
{
  # Fragments of kernel/config that make the kernel's configuration, in order.
  kernel.fragments = [
    "base"
    "vm"
  ];

  # What the boot loader gives to the kernel. Both consoles, so that a person sees the boot on a
  # screen and on a serial line; the last one is /dev/console. The init runs the tests that the
  # profile names, or all of them.
  boot.cmdline = [
    "console=tty0"
    "console=ttyS0,115200"
    "panic=-1"
    "panic_on_warn=1"
  ]
  ++ (
    if profile.tests == [ ] then
      [ ]
    else
      [ "xsc.tests=${builtins.concatStringsSep "," profile.tests}" ]
  )
  ++ (profile.options.cmdline or [ ]);

  boot.volumeId = "XSC";
}
