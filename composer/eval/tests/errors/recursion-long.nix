rec {
  a = b + 1;
  b = c + 1;
  c = d + 1;
  d = e + 1;
  e = f + 1;
  f = g + 1;
  g = a + 1;
}
