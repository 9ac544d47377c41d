# Imports what is not there.
{ config, ... }:
{
  imports = [
    ./nowhere.nix
  ];
}
