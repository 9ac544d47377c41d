# A set that grows by one attribute at a time.
let
  grown = builtins.foldl' (acc: i: acc // { "k${toString i}" = i; }) { } (
    builtins.genList (i: i) 3000
  );
in
[
  (builtins.length (builtins.attrNames grown))
  grown.k2999
  (builtins.foldl' (a: b: a + b) 0 (builtins.attrValues grown))
]
