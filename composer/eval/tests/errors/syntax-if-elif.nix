let
  n = 1;
in
if n == 0 then
  "none"
elif n == 1 then
  "one"
else
  "many"
