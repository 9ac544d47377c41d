let
  settings = {
    port = 1;
  };
in
settings 1
