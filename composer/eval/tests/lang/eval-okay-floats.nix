[ 1.5 .5 1.0e3 1.0e-3 1.0e-9 123456789.0 (1.0 / 3) (toString 1.25) (builtins.typeOf 1.0) ]
