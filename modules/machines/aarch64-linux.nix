# What differs for aarch64: how its kernel and programs are compiled (on x86_64), its fragment, its
# console. Names as in x86_64-linux.nix.
{ ... }:
{
  machine = {
    kernelArch = "arm64";
    toolchain = "kernel-aarch64";
    cross = "aarch64-linux-gnu-";
  };

  kernel.fragments = [
    "base"
    "arm64"
  ];

  boot.cmdline = [ "console=ttyAMA0" ];
}
