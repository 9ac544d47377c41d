{
  name = ;
}
