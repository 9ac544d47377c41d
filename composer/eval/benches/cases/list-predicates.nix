# any, all, elem, partition and recursion over head and tail.
let
  numbers = builtins.genList (i: i) 300000;
  sum = xs: if xs == [ ] then 0 else builtins.head xs + sum (builtins.tail xs);
  parts = builtins.partition (x: x < 1000) numbers;
in
[
  (builtins.any (x: x == 299999) numbers)
  (builtins.all (x: x >= 0) numbers)
  (builtins.elem 299998 numbers)
  (builtins.length parts.wrong)
  (sum parts.right)
]
