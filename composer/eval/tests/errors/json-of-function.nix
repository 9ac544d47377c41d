builtins.toJSON {
  name = "x";
  convert = x: x;
}
