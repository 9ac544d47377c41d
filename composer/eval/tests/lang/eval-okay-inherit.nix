let
  a = 1;
  set = { b = 2; c = 3; };
  inherit (set) b;
in
{
  inherit a b;
  inherit (set) c;
  r = rec { inherit a; d = a + 1; inherit (set) c; };
  nested = let a = 5; in { inherit a; };
}
