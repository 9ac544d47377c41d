# The program set of toolchain/tests, built by our toolchain and run in a boot that is strict from its
# first program on.
{ ... }:
{
  test = {
    packages = [ "xsc-programs" ];
    tests = [ "programs/" ];
  };

  boot.cmdline = [ "xsc=strict" ];
}
