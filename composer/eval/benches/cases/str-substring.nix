# A loop over the characters of a text, as lib.stringToCharacters does.
let
  text = builtins.concatStringsSep "" (builtins.genList (i: toString i) 40000);
  chars = builtins.genList (i: builtins.substring i 1 text) (builtins.stringLength text);
  count = builtins.foldl' (acc: c: if c == "7" then acc + 1 else acc) 0 chars;
  rev = builtins.foldl' (acc: c: c + acc) "" (builtins.genList (i: builtins.elemAt chars i) 3000);
in
[
  count
  (builtins.stringLength rev)
]
