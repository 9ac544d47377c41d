map builtins.typeOf [ 1 1.0 "s" ./p true null [ ] { } (x: x) builtins.map (builtins.add 1) ]
