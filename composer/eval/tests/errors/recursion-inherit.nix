let
  inherit (settings) port;
  settings = {
    port = port + 1;
  };
in
port
