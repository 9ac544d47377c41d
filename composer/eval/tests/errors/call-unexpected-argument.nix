let
  greet = { name, greeting ? "hello" }: "${greeting} ${name}";
in
greet {
  name = "ada";
  greating = "hi";
}
