# A chain of 100,000 suspended additions is forced without overflowing the stack.
let
  step = acc: n: { value = acc.value + n; };
  list = builtins.genList (n: n) 100000;
in
(builtins.foldl' step { value = 0; } list).value
