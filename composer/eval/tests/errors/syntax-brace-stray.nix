{
  name = "zlib";
  };
}
