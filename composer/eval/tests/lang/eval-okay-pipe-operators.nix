# features: pipe-operators
let
  double = x: x * 2;
  add = a: b: a + b;
in
[
  (3 |> double)
  (3 |> double |> add 1)
  (double <| add 1 <| 2)
  ([ 1 2 3 ] |> map double |> builtins.foldl' add 0)
  (1 + 1 |> double)
  (true && false |> (x: !x))
  (4 |> (x: x + 1))
]
