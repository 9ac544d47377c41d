[
  (builtins.replaceStrings [ "oo" "a" ] [ "a" "i" ] "foobar") (builtins.replaceStrings [ "" ] [ "-" ] "ab")
  (builtins.replaceStrings [ "a" "ab" ] [ "1" "2" ] "abab") (builtins.replaceStrings [ ] [ ] "x")
  (builtins.replaceStrings [ "x" ] [ (throw "not needed") ] "abc") (builtins.replaceStrings [ "b" "" ] [ "B" "." ] "abc") ]
