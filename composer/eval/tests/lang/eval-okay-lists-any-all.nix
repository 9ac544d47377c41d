[ (builtins.any (x: x > 2) [ 1 3 ]) (builtins.all (x: x > 2) [ 1 3 ]) (builtins.any (x: true) [ ]) (builtins.all (x: false) [ ]) (builtins.any (x: x == 1) [ 1 (throw "not needed") ]) ]
