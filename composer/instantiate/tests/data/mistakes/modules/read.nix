# Reads a file that is not there.
{ lib, ... }:
{
  site.motto = builtins.readFile ./motto.txt;
}
