let n = "a"; ${n} = 1; in n
