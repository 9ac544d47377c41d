# Interpolation and `+` in a fold: each step makes a longer string.
let
  one = builtins.foldl' (acc: i: "${acc}${toString i},") "" (builtins.genList (i: i) 6000);
  two = builtins.foldl' (acc: i: acc + "x" + toString i) "" (builtins.genList (i: i) 6000);
in
[
  (builtins.stringLength one)
  (builtins.stringLength two)
]
