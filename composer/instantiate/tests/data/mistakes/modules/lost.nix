# Imports what is not there.
{ ... }:
{
  imports = [
    ./nowhere.nix
  ];
}
