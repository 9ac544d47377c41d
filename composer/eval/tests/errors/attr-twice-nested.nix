{
  services.sshd.port = 22;
  services.sshd = {
    enable = true;
    port = 2222;
  };
}
