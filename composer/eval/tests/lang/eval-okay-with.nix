let scope = { a = 1; inner = { b = 2; }; }; in with scope; with inner; [ a b (with { a = 3; }; a) ]
