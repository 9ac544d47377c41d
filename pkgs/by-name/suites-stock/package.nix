# The tests of pkgs.suites with programs that Debian's compiler made of the same sources, for an ordinary boot of the
# same kernel: what fails there, too, is no fault of ours. Only profiles/suites-stock.toml asks for it.
{ lib, x86_64-stock }:
import ../suites/tree.nix {
  inherit lib;
  packages = x86_64-stock;
  who = "stock";
}
