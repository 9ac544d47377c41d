# genericClosure over a graph of 30,000 nodes, deepSeq and equality of structures.
let
  mod = a: b: a - a / b * b;
  closure = builtins.genericClosure {
    startSet = [ { key = 1; } ];
    operator =
      n:
      map (k: { key = mod k 30011; }) [
        (n.key * 3 + 1)
        (n.key * 5 + 2)
      ];
  };
  copy = map (n: {
    inherit (n) key;
    tags = [
      n.key
      "t"
    ];
  }) closure;
in
[
  (builtins.length closure)
  (
    copy == map (n: {
      inherit (n) key;
      tags = [
        n.key
        "t"
      ];
    }) closure
  )
  (builtins.deepSeq copy 1)
]
