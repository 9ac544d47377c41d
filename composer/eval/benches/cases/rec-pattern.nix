# Recursion through functions with named arguments and defaults.
let
  count =
    {
      n,
      step ? 1,
      acc ? 0,
      ...
    }@args:
    if n <= 0 then
      acc
    else
      count (
        args
        // {
          n = n - step;
          acc = acc + 2;
        }
      );
  repeat = k: if k == 0 then 0 else count { n = 400; } + repeat (k - 1);
in
repeat 500
