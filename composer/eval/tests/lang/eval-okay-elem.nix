[ (builtins.elem 2 [ 1 2 3 ]) (builtins.elem "x" [ ]) (builtins.elem { a = [ 1 ]; } [ { a = [ 1 ]; } ]) (builtins.elemAt [ "a" "b" ] 1) ]
