# groupBy, removeAttrs, intersectAttrs, catAttrs over 10^6 elements in all.
let
  mod = a: b: a - a / b * b;
  groups = builtins.groupBy (i: "g${toString (mod i 1000)}") (builtins.genList (i: i) 400000);
  sizes = builtins.mapAttrs (_: builtins.length) groups;
  fewer = builtins.removeAttrs sizes (builtins.genList (i: "g${toString i}") 500);
  common = builtins.intersectAttrs fewer groups;
  records = builtins.genList (i: {
    a = i;
    b = i + 1;
  }) 200000;
in
[
  (builtins.foldl' (acc: v: acc + v) 0 (builtins.attrValues fewer))
  (builtins.length (builtins.attrNames common))
  (builtins.foldl' (acc: v: acc + v) 0 (builtins.catAttrs "b" records))
]
