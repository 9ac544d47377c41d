# One set of 300,000 distinct names.
let
  set = builtins.listToAttrs (
    builtins.genList (i: {
      name = "name-${toString i}";
      value = i;
    }) 300000
  );
  mapped = builtins.mapAttrs (name: value: value + 1) set;
in
[
  (builtins.foldl' (acc: v: acc + v) 0 (builtins.attrValues mapped))
  (builtins.length (builtins.attrNames set))
  set.name-77
]
