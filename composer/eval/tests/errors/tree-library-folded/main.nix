let
  lib = import ./lib/default.nix;
in
{
  config = lib.merge [
    { port = 80; }
    { port = "eighty"; }
  ];
}
