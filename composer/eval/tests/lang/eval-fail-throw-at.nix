let
  user = {
    services.sshd.prot = 22;
    services.sshd.enable = true;
  };
in
builtins.throwAt {
  message = "the option `services.sshd.prot` does not exist";
  at = [
    {
      pos = null;
      label = "declared in the library";
    }
    {
      pos = builtins.unsafeGetAttrPos "prot" user.services.sshd;
      label = "defined here";
    }
    {
      pos = builtins.unsafeGetAttrPos "enable" user.services.sshd;
      label = "the set is enabled here";
    }
    {
      pos = {
        file = "/lib-dir/text.txt";
        line = 1;
        column = 1;
      };
      label = "in a file of another kind";
    }
  ];
  help = "did you mean `${
    builtins.head (
      builtins.similarNames "prot" [
        "x"
        "port"
        "ports"
      ]
    )
  }`?";
}
