let
  defaults = {
    port = 80;
  };
  overrides = [ ];
in
defaults // overrides
