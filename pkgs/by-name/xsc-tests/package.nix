# The driver's test programs and the tiny init that runs them, from kernel/tests: static, built
# with the seed's compiler and the driver's own header. The root file system of profiles/minimal.
{ lib, seed }:
lib.run {
  name = "xsc-tests";
  root = seed.kernel;
  mounts = {
    "/src/kernel/tests" = ../../../kernel/tests;
    "/src/kernel/include" = ../../../kernel/include;
    "/src/kernel/abi" = ../../../kernel/abi;
  };
  script = ''
    make -C /src/kernel/tests O=/build/tests DESTDIR=$out CC=gcc-14 install abi-check
  '';
}
