# replaceStrings, split and match on long texts and on many short ones.
let
  line = "the quick <brown> fox & the lazy \"dog\"\n";
  text = builtins.concatStringsSep "" (builtins.genList (_: line) 10000);
  escape = builtins.replaceStrings [ "<" ">" "&" "\"" "\n" ] [ "&lt;" "&gt;" "&amp;" "&quot;" " " ];
  short = builtins.genList (i: escape "a<${toString i}>&b") 60000;
in
[
  (builtins.stringLength (escape text))
  (builtins.foldl' (acc: s: acc + builtins.stringLength s) 0 short)
]
