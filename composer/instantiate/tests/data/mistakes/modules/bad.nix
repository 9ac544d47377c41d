# Calculates with what is no number.
{ config, ... }:
{
  site.motto = "at port ${toString (config.site.port + config.site.level)}";
}
