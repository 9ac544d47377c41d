map (algorithm: builtins.hashString algorithm "xsc") [ "md5" "sha1" "sha256" "sha512" "blake3" ]
