with { a = 1; }; let f = x: x; in with (throw "not needed"); f 2
