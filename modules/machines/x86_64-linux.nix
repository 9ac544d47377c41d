# What differs for x86_64: how its kernel and programs are compiled, its fragment, its consoles.
{ ... }:
{
  machine = {
    # Linux's word for it.
    kernelArch = "x86_64";
    # The seed's set with the compiler, and what its programs' names begin with.
    toolchain = "kernel";
    cross = "";
  };

  kernel.fragments = [
    "base"
    "x86"
  ];

  # Both consoles, so that a person sees the boot on a screen and on a serial line; the last one
  # is /dev/console.
  boot.cmdline = [
    "console=tty0"
    "console=ttyS0,115200"
  ];
}
