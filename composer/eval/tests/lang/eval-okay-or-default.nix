let s = { a = { b = null; }; }; in [ (s.a.b or 1) (s.a.c or 2) (s.x.y or 3) (s.a.b.c or 4) ({ }.a or { b = 5; }).b (s."a"."z" or (s.q or 6)) ]
