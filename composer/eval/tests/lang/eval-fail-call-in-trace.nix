let
  helper = x: x.missing;
  build = args: helper args;
in
build { present = 1; }
