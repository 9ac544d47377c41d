let
  compute = n: n + "x";
in
{
  value = compute 3;
}
