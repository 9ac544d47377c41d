let positive = x: assert x > 0; x; in [ (positive 1) (builtins.tryEval (positive 0)).success ]
