let inherit (builtins) match split; in {
  bytes = [ (match "." "é") (match "(.)(.)" "é" != null) (match "é+" "é") (match "[é]+" "é") ];
  brackets = map (r: match "([${r}]*).*" "a]b-c\\d^e") [ "]a" "^]" "a-c]" "ab]-" "\\a" "--b" ];
  classes = map (c: match "[[:${c}:]]+" "aF7") [ "alnum" "xdigit" "alpha" "print" "graph" ];
  braces = map (r: match "(a${r}).*" "aaaa") [ "{2}" "{2,}" "{1,3}" "{0}" "{2}{2}" ];
  repeated = [ (match "a**" "aaa") (match "(a+?)(a*)" "aaa") (match "((a)|b)*" "ab") ];
  escapes = match "\\.\\[\\(\\)\\*\\+\\?\\{\\|\\^\\$\\\\" ".[()*+?{|^$\\";
  plain = match "]}-,:=!" "]}-,:=!";
  anchors = [ (split "^a" "aaa") (split "a$" "aaa") (match "(^a$)" "a") ];
  empty = [ (split "" "ab") (split "b*" "abba") (split "x*" "") (match "()" "") (match "(|a)" "a") (match "a||b" "") ];
  lines = match "a.b" "a\nb";
  letters = match "[[.a.][=b=]]+" "aBb";
}
