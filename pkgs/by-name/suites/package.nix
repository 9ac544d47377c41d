# bash's and coreutils' own tests, with the programs that they use, for the profile's machine and variant: a tree to put
# under the root of the kernel's tests, where /tests/suites/* run them. Only profiles/suites.toml asks for it.
{
  lib,
  config,
  x86_64-base,
  x86_64-cfi,
  aarch64-base,
  aarch64-cfi,
}:
let
  arch = builtins.head (builtins.split "-" config.profile.system);

  targets = {
    inherit
      x86_64-base
      x86_64-cfi
      aarch64-base
      aarch64-cfi
      ;
  };
in
import ./tree.nix {
  inherit lib;
  packages = targets."${arch}-${config.profile.variant}";
  who = "ours";
}
