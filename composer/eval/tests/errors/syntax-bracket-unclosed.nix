{
  packages = [
    "zlib"
    "xz"
  ;
}
