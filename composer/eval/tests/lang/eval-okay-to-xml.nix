let
  sample = {
    text = "a < b && c > \"d\"\nnext";
    numbers = [ 1 (-2) 1.5 1.0e20 ];
    nothing = null;
    truth = true;
    function = x: x;
    pattern = { b, a ? 1, ... }@all: all;
    builtin = builtins.map;
    empty = { list = [ ]; set = { }; };
    file = ./lib-function.nix;
  };
  drv = { type = "derivation"; drvPath = "/store/x.drv"; outPath = "/store/x"; name = "x"; };
in
[ (builtins.toXML sample) (builtins.toXML [ drv drv { type = "derivation"; } ]) ]
