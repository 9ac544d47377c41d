let
  port = 80;
{
  listen = port;
}
