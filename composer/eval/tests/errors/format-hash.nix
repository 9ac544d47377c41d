builtins.hashString "md6" "x"
