let
  config = {
    enable = if config.enable then true else false;
  };
in
config.enable
