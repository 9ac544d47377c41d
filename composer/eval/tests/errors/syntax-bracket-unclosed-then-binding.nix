{
  packages = [
    "zlib"
    "xz"
  users = [ ];
}
