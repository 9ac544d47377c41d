let
  config = {
    networking.hostName = "xsc";
  };
in
config.networking.hostname
