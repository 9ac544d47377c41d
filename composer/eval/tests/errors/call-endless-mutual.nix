let
  ping = n: 1 + pong (n + 1);
  pong = n: 1 + ping (n + 1);
in
ping 0
