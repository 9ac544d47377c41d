{
  a = fooo;
  b = barr;
}
