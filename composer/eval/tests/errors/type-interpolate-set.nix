let
  package = {
    pname = "zlib";
  };
in
"${package}/bin"
