let
  greet = { name, greeting ? "hello", ... }: "${greeting} ${name}";
in
greet { nmae = "ada"; }
