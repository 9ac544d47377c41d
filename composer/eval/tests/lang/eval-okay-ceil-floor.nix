map (x: [ (builtins.ceil x) (builtins.floor x) ]) [ 1.5 (-1.5) 2 0.0 ]
