let
  check = version: if version == "1" then throw "version 1 is not supported" else version;
in
{ value = check "1"; }
