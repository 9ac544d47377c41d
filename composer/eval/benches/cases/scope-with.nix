# `with` around everything: names found in the inner, the outer or no namespace.
let
  lib = {
    add = a: b: a + b;
    twice = x: x * 2;
    pick = s: with s; x + y;
    ids = builtins.genList (i: i) 200000;
  };
  extra = {
    one = 1;
    two = 2;
  };
in
with lib;
with extra;
builtins.foldl' (
  acc: i:
  add acc (pick {
    x = twice i;
    y = one;
  })
  + two
) 0 ids
