# Long chains of `//` on sets of 40 attributes, as overrides make them.
let
  base = builtins.listToAttrs (
    builtins.genList (i: {
      name = "a${toString i}";
      value = i;
    }) 40
  );
  override =
    set: i:
    set
    // {
      a3 = i;
      a7 = set.a3;
      extra = {
        inherit i;
        deep = {
          x = i;
          y = [ i ];
        };
      };
    };
  chain = start: builtins.foldl' override start (builtins.genList (i: i) 300);
  nested =
    n:
    if n == 0 then
      { }
    else
      {
        x = n;
      }
      // nested (n - 1)
      // {
        y = n;
        z.w = n;
      };
in
[
  (builtins.foldl' (acc: i: acc + (chain (base // { inherit i; })).a7) 0 (
    builtins.genList (i: i) 200
  ))
  (nested 3000).z.w
]
