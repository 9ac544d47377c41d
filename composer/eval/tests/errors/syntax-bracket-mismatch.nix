{
  packages = [ "zlib" };
}
