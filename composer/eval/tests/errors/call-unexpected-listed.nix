let
  greet = { name }: name;
in
greet {
  name = "ada";
  loud = true;
}
