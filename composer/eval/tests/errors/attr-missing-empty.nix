let
  options = { };
in
options.services
