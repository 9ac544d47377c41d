let
  x =
in
x
