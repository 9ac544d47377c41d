builtins.tryEval (abort "stop here")
