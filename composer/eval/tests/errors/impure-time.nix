{
  date = builtins.currentTime;
}
