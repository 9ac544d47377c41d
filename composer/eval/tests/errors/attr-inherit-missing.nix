let
  defaults = {
    timeout = 5;
  };
  inherit (defaults) timeuot;
in
timeuot
