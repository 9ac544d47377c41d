map [ 1 2 ] (x: x)
