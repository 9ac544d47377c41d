let
  debug = true;
in
debug ? 1 : 2
