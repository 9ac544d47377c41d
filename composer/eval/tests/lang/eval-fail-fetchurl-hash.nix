builtins.fetchurl { url = "https://example.org/ab"; sha256 = "sha256-AAAA"; }
