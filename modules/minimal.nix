# The smallest system that proves the chain: a kernel with the XSC driver, and an initramfs with
# an init that runs the ring tests and says how they went.
{ profile }:
{
  # Fragments of kernel/config that make the kernel's configuration, in order, behind those of the
  # machine.
  kernel.fragments = [
    "vm"
    "xsc"
  ];

  # What the boot loader gives to the kernel, behind the machine's consoles. The init runs the tests
  # that the profile names, or all of them.
  boot.cmdline = [
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
