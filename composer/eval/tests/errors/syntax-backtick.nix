{
  x = `date`;
}
