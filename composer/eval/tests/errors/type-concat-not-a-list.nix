let
  packages = [ "zlib" ];
  extra = "xz";
in
packages ++ extra
