builtins.fetchurl { url = "https://example.org/ab"; sha512 = ""; }
