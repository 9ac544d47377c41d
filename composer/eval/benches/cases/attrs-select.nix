# Deep selections, `?`, `or` and recursive sets in a loop.
let
  config = rec {
    a.b.c.d = {
      value = 3;
      other = a.b.c.d.value + 1;
    };
    enable = true;
    list = [ a.b ];
  };
  step =
    i:
    let
      s = {
        inherit i;
        v = config.a.b.c.d.value;
        w = config.a.b.x.y or 4;
      };
    in
    if config ? a.b.c && !(config ? a.z) then s.v + s.w + s.i + config.a.b.c.d.other else 0;
in
builtins.foldl' (acc: i: acc + step i) 0 (builtins.genList (i: i) 200000)
