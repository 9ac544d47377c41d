let
  xs = [ 1 2 ];
in
xs.0
