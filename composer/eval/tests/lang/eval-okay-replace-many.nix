builtins.stringLength (builtins.concatStringsSep "," (map toString (builtins.genList (x: x) 5000)))
