{
  motd = builtins.readFile ./mtod.txt;
}
