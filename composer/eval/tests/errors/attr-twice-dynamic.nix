let
  key = "port";
in
{
  port = 1;
  ${key} = 2;
}
