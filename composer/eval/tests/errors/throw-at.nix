let
  user = {
    services.sshd.prot = 22;
  };
in
builtins.throwAt {
  message = "the option `services.sshd.prot` does not exist";
  at = [
    {
      pos = builtins.unsafeGetAttrPos "prot" user.services.sshd;
      label = "defined here";
    }
  ];
  help = "did you mean `services.sshd.port`?";
}
