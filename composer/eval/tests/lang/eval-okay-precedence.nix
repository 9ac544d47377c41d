[ (1 + 2 == 3 && true) (({ a = 1; } // { b = 2; }) ? b) (!false || false) (- 3 + 5) ([ 1 ] ++ [ 2 ] == [ 1 2 ]) (1 < 2 == true) (true -> false -> true) (2 - 1 - 1) ]
