[ (builtins.add 1 2) (builtins.sub 1 2) (builtins.mul 2 2.5) (builtins.div 7 2) (builtins.lessThan 1 2) (builtins.sort builtins.lessThan [ 3 1 2 ]) ]
