let
  a = 1;
in
if a = 1 then "one" else "other"
