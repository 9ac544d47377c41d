# The options that every profile has.
{ lib, ... }:
{
  imports = [
    ./boot.nix
    ./image.nix
    ./kernel.nix
    ./machine.nix
    ./profile.nix
    ./test.nix
    lib.assertionsModule
  ];
}
