builtins.throwAt {
  message = "a problem without a place";
  at = [
    {
      pos = null;
      label = "set on the command line";
    }
  ];
}
