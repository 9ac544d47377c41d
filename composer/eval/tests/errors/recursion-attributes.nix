let
  config = {
    boot.timeout = config.boot.menu.timeout;
    boot.menu.timeout = config.boot.timeout;
  };
in
config
