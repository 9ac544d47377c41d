{
  inherit name = "zlib";
}
