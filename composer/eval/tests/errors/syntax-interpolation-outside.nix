{
  name = ${version};
}
