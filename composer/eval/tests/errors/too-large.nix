builtins.genList (n: n) 9223372036854775807
