{ config }:
{
  services.web.flags =
    let
      port = config.port or 80;
    in
    [
      "--quiet"
      ("--port=" + port)
    ];
}
