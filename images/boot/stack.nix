# What boots: the kernel, and the words that whoever loads it says to it.
{ pkgs, config }:
{
  inherit (pkgs.linux) kernel;
  cmdline = builtins.concatStringsSep " " config.boot.cmdline;
}
