let rec
  x = 1;
in
x
