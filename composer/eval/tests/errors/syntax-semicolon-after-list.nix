{
  packages = [
    "zlib"
  ]
  users = [ ];
}
