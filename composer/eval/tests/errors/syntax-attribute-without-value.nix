{
  name;
}
