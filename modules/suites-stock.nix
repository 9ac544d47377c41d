# The own tests of bash and coreutils as Debian's compiler and C library make them, in an ordinary boot.
{ ... }:
{
  test = {
    packages = [ "suites-stock" ];
    tests = [ "suites/" ];
  };

  boot.cmdline = [ "xsc.seconds=3000" ];
}
