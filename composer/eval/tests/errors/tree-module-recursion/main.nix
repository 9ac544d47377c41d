let
  lib = import ./lib/default.nix;
in
lib.evaluate (config: {
  services.web.port = config.services.proxy.port;
  services.proxy.port = config.services.web.port;
})
