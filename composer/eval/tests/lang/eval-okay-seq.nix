[ (builtins.seq 1 2) (builtins.deepSeq { a = [ 1 ]; } 3) (builtins.tryEval (builtins.deepSeq { a = throw "x"; } 3)).success (builtins.seq { a = throw "x"; } 4) ]
