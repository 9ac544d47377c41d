[ (builtins.hashString "sha256" "") (builtins.hashString "sha512" "abc") (builtins.hashString "blake3" "") ]
