{
  # a comment ends here  a = 1;
  b = "xy
z\r";  c = 2;
}
