let
  double = x: x * 2;
  size = double limit;
  limit = double size;
in
size
