# concatLists, concatMap and ++ over 10^6 elements in all.
let
  pairs = builtins.genList (i: [
    i
    (i + 1)
  ]) 300000;
  joined = builtins.concatLists pairs;
  mapped = builtins.concatMap (x: [
    x
    x
  ]) (builtins.genList (i: i) 200000);
  all = joined ++ mapped ++ [ 1 ];
in
[
  (builtins.length all)
  (builtins.elemAt all 599999)
  (builtins.foldl' (a: b: a + b) 0 joined)
]
