# glibc's own tests with upstream's unpatched libc, in an ordinary boot.
{ ... }:
{
  test = {
    packages = [ "glibc-tests-stock" ];
    tests = [ "glibc/run" ];
  };

  boot.cmdline = [
    "xsc.seconds=7000"
    "glibc.jobs=4"
  ];
}
