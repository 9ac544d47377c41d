# The smallest system that proves the chain: a kernel with the XSC driver, and an initramfs with
# an init that runs the ring tests and says how they went.
{ config, lib, ... }:
{
  # Behind those of the machine.
  kernel.fragments = [
    "vm"
    "xsc"
  ];

  boot.cmdline = [
    "panic=-1"
    "panic_on_warn=1"
  ]
  ++ lib.optional (
    config.test.tests != [ ]
  ) "xsc.tests=${lib.concatStringsSep "," config.test.tests}";
}
