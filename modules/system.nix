# A system with users, services and a network; what every profile that boots to a login has.
{ ... }:
{
  imports = [ ./system ];
}
