{
  package = {
    name = "x";
    version = "1" + 2;
  };
}
