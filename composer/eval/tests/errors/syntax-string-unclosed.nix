{
  name = "zlib;
}
