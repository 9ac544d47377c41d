{
  a.b.c = 1;
  a.b.d = 2;
  a = { e = 3; };
  a.f.g = 4;
  x = rec { one = 1; two = one + one; };
  x.three = 3;
}
