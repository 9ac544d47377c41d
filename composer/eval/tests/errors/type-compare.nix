let
  wanted = "3";
in
if 2 < wanted then "ok" else "old"
