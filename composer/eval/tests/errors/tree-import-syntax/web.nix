{
  port = 80
}
