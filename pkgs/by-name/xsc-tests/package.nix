# The kernel's test programs and the init that runs them, from kernel/tests: static, built with the
# seed's compiler, the interface's own header and Linux's nolibc. The root file system of the
# profiles that test a kernel.
{
  lib,
  seed,
  linux,
  config,
}:
let
  inherit (config) machine;

  # Tests with a C library need one for the machine that is not the builder's.
  crossFlags = if machine.cross == "" then "" else "LIBC_TESTS=";
in
lib.run {
  name = "xsc-tests";
  root = seed.${machine.toolchain};
  mounts = {
    "/src/kernel/tests" = ../../../kernel/tests;
    "/src/kernel/include" = ../../../kernel/include;
    "/src/kernel/abi" = ../../../kernel/abi;
    "/src/linux/tools/include/nolibc" = linux.nolibc;
  };
  script = ''
    make -C /src/kernel/tests O=/build/tests DESTDIR=$out NOLIBC=/src/linux/tools/include/nolibc \
      ARCH=${machine.kernelArch} CROSS_COMPILE=${machine.cross} CC=${machine.cross}gcc-14 \
      HOSTCC=gcc-14 ${crossFlags} install abi-check
  '';
}
