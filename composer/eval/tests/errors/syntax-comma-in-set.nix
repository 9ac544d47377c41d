{
  name = "zlib",
  version = "1.3"
}
