let
  total = 10;
  parts = 2;
in
1 + total/parts
