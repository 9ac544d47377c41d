{
  name = "zlib";
