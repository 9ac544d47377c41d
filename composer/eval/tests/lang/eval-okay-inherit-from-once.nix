let
  result = { inherit (builtins.trace "evaluated once" { x = 1; y = 2; }) x y; };
in
[ result.x result.y ]
