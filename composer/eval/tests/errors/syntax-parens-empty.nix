let
  now = time: time;
in
now ()
