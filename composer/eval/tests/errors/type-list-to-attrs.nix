builtins.listToAttrs [
  {
    nmae = "a";
    value = 1;
  }
]
