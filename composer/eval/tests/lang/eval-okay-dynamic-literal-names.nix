let
  ${"a"} = 1;
  set = rec { b = c; ${"c"} = a; };
in
{ inherit ${"a"}; inherit (set) ${"b"} "c"; }
