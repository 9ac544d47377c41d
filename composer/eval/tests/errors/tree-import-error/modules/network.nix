{ port }:
{
  listen = port + 1;
}
