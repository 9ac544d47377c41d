# Sorting pseudo-random numbers with a function and with the builtin.
let
  mod = a: b: a - a / b * b;
  numbers = builtins.genList (i: mod (i * 7919 + 13) 100003) 150000;
  up = builtins.sort builtins.lessThan numbers;
  down = builtins.sort (a: b: a > b) numbers;
in
[
  (builtins.elemAt up 1000)
  (builtins.elemAt down 1000)
  (builtins.head down)
]
