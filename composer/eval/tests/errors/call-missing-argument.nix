let
  makePackage =
    {
      name,
      version,
    }:
    "${name}-${version}";
in
makePackage { name = "zlib"; }
