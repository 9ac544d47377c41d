let
  version = "1.3.1";
in
"zlib-${verison}"
