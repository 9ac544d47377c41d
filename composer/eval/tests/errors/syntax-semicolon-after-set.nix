{
  services.web = {
    port = 80;
  }
  services.mail.enable = true;
}
