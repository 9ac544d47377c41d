builtins.sort 1 [ "a" ]
