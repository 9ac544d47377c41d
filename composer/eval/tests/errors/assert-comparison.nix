let
  version = "1.2";
in
assert version == "1.3";
version
