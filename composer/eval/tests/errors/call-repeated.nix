let
  down = n: if n == 0 then throw "the bottom" else 1 + down (n - 1);
in
down 20
