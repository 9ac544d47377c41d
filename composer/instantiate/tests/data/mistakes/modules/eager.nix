# Decides on its imports by an option.
{ config, ... }:
{
  imports = if config.site.port == 80 then [ ./other.nix ] else [ ];
}
