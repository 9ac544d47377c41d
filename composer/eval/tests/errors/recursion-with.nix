let
  tools = with tools; { make = cmake; cmake = make; };
in
tools.make
