let
  path = path + ":/bin";
in
path
