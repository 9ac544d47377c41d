let
  name = "zlib";
in
name "1.3"
