[ (builtins.stringLength "héllo") (builtins.substring 1 2 "abcd") (builtins.substring 2 (-1) "abcd") (builtins.substring 9 1 "abc") (builtins.substring 0 99 "abc")
  (builtins.concatStringsSep "" [ (builtins.substring 0 2 "hé") (builtins.substring 2 1 "hé") ]) ]
