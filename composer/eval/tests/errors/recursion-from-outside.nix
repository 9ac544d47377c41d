let
  x = y;
  y = x + 1;
  report = "the value is ${toString x}";
in
{
  text = report;
}
