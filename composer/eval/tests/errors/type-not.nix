let
  count = 0;
in
!count
