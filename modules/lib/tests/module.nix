# A module in a file, for values.nix.
{
  x = 7;
}
