let
  enabled = false;
in
assert enabled;
1
