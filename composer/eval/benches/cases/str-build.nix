# concatStringsSep, interpolation and toString over 300,000 pieces.
let
  words = builtins.genList (
    i: "word${toString i}-${if i / 2 * 2 == i then "even" else "odd"}"
  ) 300000;
  text = builtins.concatStringsSep " " words;
in
[
  (builtins.stringLength text)
  (builtins.substring 1000 20 text)
  (builtins.hashString "sha256" text)
]
