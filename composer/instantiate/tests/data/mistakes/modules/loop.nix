# Needs itself.
{ config, ... }:
{
  boot.volumeId = "X${config.site.motto}";
  site.motto = config.boot.volumeId;
}
