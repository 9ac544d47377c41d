let
  lib = import ./lib/default.nix;
in
{
  config.users.ada = lib.mkUser { shell = "fish"; };
}
