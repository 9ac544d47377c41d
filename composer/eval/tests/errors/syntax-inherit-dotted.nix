let
  lib.a = 1;
in
{
  inherit lib.a;
}
