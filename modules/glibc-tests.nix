# glibc's own tests with our libc, in a boot that is strict from its first program on.
{ ... }:
{
  test = {
    packages = [ "glibc-tests" ];
    tests = [ "glibc/run" ];
  };

  boot.cmdline = [
    "xsc=strict"
    "xsc.seconds=7000"
    "glibc.jobs=4"
  ];
}
