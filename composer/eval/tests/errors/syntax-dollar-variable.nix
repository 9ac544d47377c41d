{
  path = $HOME;
}
