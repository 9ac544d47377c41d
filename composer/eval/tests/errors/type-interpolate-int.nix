let
  jobs = 4;
in
"make -j${jobs}"
