builtins.length (map { } [ 1 2 ])
