let
  text = "a rather long text that nobody wants to see in an error message in full, is it not";
in
text + 1
