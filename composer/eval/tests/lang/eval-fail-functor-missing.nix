let s = { name = "x"; }; in map s [ 1 ]
