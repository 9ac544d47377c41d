{
  users = [
    { name = "ada"; }
    { name = "bob" + 1; }
  ];
}
