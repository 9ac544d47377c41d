# `let` with many bindings, most of them unused or used twice, and inherit.
let
  step =
    i:
    let
      a = i + 1;
      b = a * 2;
      c = b - i;
      unused = throw "never";
      d = {
        inherit a b c;
        e = b;
      };
      f = x: y: x + y + a;
      g = f c;
      inherit (d) e;
    in
    let
      h = g e;
      k = h + d.c;
      z = [
        h
        k
        unused
      ];
    in
    if k > 0 then h + k + builtins.length z else 0;
in
builtins.foldl' (acc: i: acc + step i) 0 (builtins.genList (i: i) 150000)
