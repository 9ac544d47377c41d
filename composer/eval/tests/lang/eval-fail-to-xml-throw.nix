builtins.toXML { outer = [ 1 (throw "not this one") ]; }
