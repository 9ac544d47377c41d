let
  ports = {
    ssh = 22;
    http = 80;
  };
  service = "htp";
in
ports.${service}
