let s = { a.b = 1; n = null; }; in [ (s ? a) (s ? a.b) (s ? a.b.c) (s ? x) (s ? n.x) (1 ? a) (s ? "a") ({ } ? a) ]
