[ ([ 1 ] ++ [ 2 ] ++ [ ] ++ [ 3 ]) (builtins.concatLists [ [ 1 2 ] [ ] [ 3 ] ]) (builtins.concatMap (x: [ x (x * 10) ]) [ 1 2 ]) ]
