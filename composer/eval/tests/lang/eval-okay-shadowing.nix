let x = 1; f = x: let x = 3; in x; in [ (f 2) (with { x = 9; }; x) (let map = 5; in map) (with { y = 9; }; y) (with { y = 1; }; with { y = 2; }; y) (with { true = 3; }; true) ]
