let
  a = import ./a.nix;
in
{
  first = builtins.tryEval a;
  second = a;
}
