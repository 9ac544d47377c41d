[ (builtins.foldl' (a: b: a - b) 100 [ 1 2 3 ]) (builtins.foldl' (acc: x: [ x ] ++ acc) [ ] [ 1 2 3 ]) (builtins.foldl' (_: x: x) 0 [ ]) ]
