{
  name = "zlib;
  version = "1.3";
  license = "zlib";
}
