builtins.fromJSON "{ \"a\": }"
