{
  config.services.web = {
    port = 8000 + "80";
  };
}
