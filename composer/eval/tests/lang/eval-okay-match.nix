[
  (builtins.match "ab" "abc") (builtins.match "abc" "abc") (builtins.match "a(b)(c)" "abc") (builtins.match "a(b)?(c)" "ac")
  (builtins.match "[[:space:]]+([[:upper:]]+)[[:space:]]+" "  FOO   ") (builtins.match "(.*)\\.nix" "x.y.nix")
  (builtins.match "([0-9]+)\\.([0-9]+).*" "6.12.94") (builtins.match "[^/]*" "a/b")
]
