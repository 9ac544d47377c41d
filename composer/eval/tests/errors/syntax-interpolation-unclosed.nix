{
  name = "lib-${version";
}
