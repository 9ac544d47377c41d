builtins.genericClosure { startSet = [ { kye = 1; } ]; operator = x: [ ]; }
