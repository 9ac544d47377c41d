{
  // the name
  name = "zlib";
}
