{
  name = "zlib";
  version = "1.3";
  name = "zlib-ng";
}
