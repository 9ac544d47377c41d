let
  check = shell: if shell == "sh" then shell else throw "the shell `${shell}` is not installed";
in
{
  mkUser = { shell }: { shell = check shell; };
}
