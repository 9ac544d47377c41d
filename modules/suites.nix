# The own tests of bash and coreutils with our libc, in a boot that is strict from its first program on.
{ ... }:
{
  test = {
    packages = [ "suites" ];
    tests = [ "suites/" ];
  };

  boot.cmdline = [
    "xsc=strict"
    "xsc.seconds=3000"
  ];
}
