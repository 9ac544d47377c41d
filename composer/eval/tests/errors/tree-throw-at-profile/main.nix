builtins.throwAt {
  message = "the option `networking.hostname` does not exist";
  at = [
    {
      pos = {
        file = "/profiles/small.toml";
        line = 5;
        column = 1;
      };
      label = "set here";
    }
  ];
  help = "did you mean `networking.hostName`?";
}
