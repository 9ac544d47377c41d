{
  services.web = {
    port = 80;

  services.mail = {
    port = 25;
  };
}
