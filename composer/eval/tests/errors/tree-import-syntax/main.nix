{
  web = import ./web.nix;
}
