{
  boot.timeout = 5
  boot.menu.enable = true;
}
