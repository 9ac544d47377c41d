# glibc's own tests, built by the toolchain of the profile's machine and variant: a tree to put under the root of the
# kernel's tests, where /tests/glibc/run runs them (toolchain/tests/glibc). Half an hour of a processor: nothing asks
# for it but profiles/glibc-tests.toml.
{
  lib,
  inputs,
  seed,
  toolchain,
  config,
  x86_64-base,
  x86_64-cfi,
  aarch64-base,
  aarch64-cfi,
}:
let
  inherit (config.profile) system variant;

  name = "${builtins.head (builtins.split "-" system)}-${variant}";

  targets = {
    inherit
      x86_64-base
      x86_64-cfi
      aarch64-base
      aarch64-cfi
      ;
  };
in
import ../../../toolchain/tests/glibc {
  inherit lib inputs seed;
  toolchain = toolchain.${name};
  target = targets.${name};
}
