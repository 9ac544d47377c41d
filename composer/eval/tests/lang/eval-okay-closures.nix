let make = n: { get = n; add = m: make (n + m); }; in [ ((make 1).add 2).get (map (x: x 10) (map (n: m: n * m) [ 1 2 3 ])) ]
