let
  flags = [ "-O2" ];
in
"cc ${flags} x.c"
