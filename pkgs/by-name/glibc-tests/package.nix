# glibc's own tests, built by the toolchain of the profile's machine and variant: a tree to put under the root of the
# kernel's tests, where /tests/glibc/run runs them (toolchain/tests/glibc). Half an hour of a processor: nothing asks
# for it but profiles/glibc-tests.toml.
{
  lib,
  inputs,
  seed,
  profileTarget,
}:
import ../../../toolchain/tests/glibc {
  inherit lib inputs seed;
  inherit (profileTarget) toolchain;
  target = profileTarget.packages;
}
