{
  name: "zlib";
}
