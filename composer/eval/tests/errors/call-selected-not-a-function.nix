let
  lib = {
    version = "1";
  };
in
lib.version "x"
