let
  names = [ ];
in
with names;
x
