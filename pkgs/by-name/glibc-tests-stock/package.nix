# The test programs of pkgs.glibc-tests with Debian's loader and libraries of the same glibc in place of ours, for an
# ordinary boot of the same kernel: what fails there, too, is no fault of ours. Only profiles/glibc-tests-stock.toml
# asks for it.
{
  lib,
  inputs,
  seed,
  toolchain,
  x86_64-stock,
}:
import ../../../toolchain/tests/glibc {
  inherit lib inputs seed;
  toolchain = toolchain.x86_64-base;
  target = x86_64-stock;
}
