{
  port:80;
}
