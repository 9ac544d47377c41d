let
  network = import ./modules/network.nix { port = "80"; };
in
{
  config.services.web.listen = network.listen;
}
