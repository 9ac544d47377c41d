builtins.match "\\d" "a"
