{
  name = "zlib";
}
}
