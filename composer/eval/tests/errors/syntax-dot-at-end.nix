{
  x = config.;
}
