{
  enable == true;
}
