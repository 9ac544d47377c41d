{
  imports = [
    (import ./modules/netwrok.nix)
  ];
}
