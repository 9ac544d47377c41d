# Which builtins look at their function although there is nothing to call it with.
map (value: (builtins.tryEval value).success) [
  (builtins.map (throw "f") [ ])
  (builtins.filter (throw "f") [ ])
  (builtins.sort (throw "f") [ ])
  (builtins.genericClosure {
    startSet = [ ];
    operator = throw "f";
  })
  (builtins.any (throw "f") [ ])
  (builtins.all (throw "f") [ ])
  (builtins.concatMap (throw "f") [ ])
  (builtins.foldl' (throw "f") 0 [ ])
  (builtins.genList (throw "f") 0)
  (builtins.partition (throw "f") [ ])
  (builtins.groupBy (throw "f") [ ])
  (builtins.zipAttrsWith (throw "f") [ ])
]
