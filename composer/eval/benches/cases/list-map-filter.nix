# map, filter and a fold over 10^6 elements.
let
  numbers = builtins.genList (i: i + 1) 1000000;
  squares = map (x: x * x) numbers;
  odd = builtins.filter (x: x - x / 2 * 2 == 1) squares;
in
builtins.foldl' (acc: x: if x > acc then x else acc) 0 odd + builtins.length odd
