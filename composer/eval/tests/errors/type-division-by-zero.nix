let
  cores = 0;
in
100 / cores
