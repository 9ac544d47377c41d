# Reads a file that is not there.
{ ... }:
{
  site.motto = builtins.readFile ./motto.txt;
}
