# What the kernel is made of.
{ lib, ... }:
let
  inherit (lib) mkOption types;
in
{
  options.kernel.fragments = mkOption {
    type = types.listOf types.str;
    example = [
      "vm"
      "xsc"
    ];
    description = "Names of fragments in kernel/config that make the kernel's configuration; a later one wins.";
  };
}
