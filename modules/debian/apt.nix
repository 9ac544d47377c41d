# apt: its own architecture, which it has compiled in and takes from here instead.
{ ... }:
{
  files."/etc/apt/apt.conf.d/00xsc" = ''
    APT::Architecture "xsc-amd64";
  '';
}
