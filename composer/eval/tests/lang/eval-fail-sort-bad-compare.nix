builtins.sort (a: b: a) [ 1 2 ]
