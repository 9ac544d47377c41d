builtins.convertHash { hash = "d41d8cd98f"; hashAlgo = "md5"; toHashFormat = "sri"; }
