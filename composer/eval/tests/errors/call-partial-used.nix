let
  pair = a: b: "${a}${b}";
in
"x" + pair "y"
