builtins.toFile "x" "text"
