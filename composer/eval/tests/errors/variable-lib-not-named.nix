{ config, ... }:
{
  boot = lib.mkIf config.enable { };
}
