let
  settings.debug = "yes";
in
if settings.debug then 1 else 2
