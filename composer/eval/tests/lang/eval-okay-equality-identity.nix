# One and the same value is equal to itself inside of lists and sets, if it has a value; names and values are
# compared in turns; `a > b` and `a <= b` evaluate `b` first.
let
  f = x: x;
  bad = throw "bad";
  s = { k = bad; };
  deep = { k = { e = bad; }; };
  attempt = value: builtins.tryEval value;
in
map (v: v.value) [
  (attempt ([ f ] == [ f ]))
  (attempt (f == f))
  (attempt ({ k = f; } == { k = f; }))
  (attempt ([ s.k ] == [ s.k ]))
  (attempt (s == s))
  (attempt ([ s ] == [ s ]))
  (attempt (deep == deep))
  (attempt ([ bad ] == [ bad ]))
]
++ map (v: v.success) [
  (attempt (abort "a" > bad))
  (attempt (abort "a" <= bad))
  (attempt (bad < abort "a"))
  (attempt (bad >= abort "a"))
  (attempt ([ bad ] == [ bad ]))
  (attempt (s == s))
]
