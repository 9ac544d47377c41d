{
  a = 1;
  -- the name
  name = "zlib";
}
