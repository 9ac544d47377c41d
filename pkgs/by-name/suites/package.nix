# bash's and coreutils' own tests, with the programs that they use, for the profile's machine and variant: a tree to put
# under the root of the kernel's tests, where /tests/suites/* run them. Only profiles/suites.toml asks for it.
{ lib, profileTarget }:
import ./tree.nix {
  inherit lib;
  packages = profileTarget.packages;
  who = "ours";
}
