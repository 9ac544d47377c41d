# A set of 10^6 in slices of 1000: listToAttrs, mapAttrs, attrNames, attrValues, a fold over the names.
let
  slice =
    k:
    builtins.listToAttrs (
      builtins.genList (i: {
        name = "n${toString i}";
        value = i + k;
      }) 1000
    );
  work =
    k:
    let
      set = slice k;
      mapped = builtins.mapAttrs (_: v: v * 2) set;
      sum = builtins.foldl' (acc: name: acc + mapped.${name}) 0 (builtins.attrNames mapped);
    in
    sum + builtins.length (builtins.attrValues set);
in
builtins.foldl' (acc: k: acc + work k) 0 (builtins.genList (k: k) 250)
