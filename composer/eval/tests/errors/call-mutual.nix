let
  even = n: if n == 0 then throw "zero is not allowed" else true && odd (n - 1);
  odd = n: true && even (n - 1);
in
even 40
