[ (builtins.genList (n: n * n) 5) (builtins.length (builtins.genList throw 3)) ]
