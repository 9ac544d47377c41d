let
  required = name: throw "the option `${name}` has no value";
in
{
  config.networking.hostName = required "networking.hostName";
}
