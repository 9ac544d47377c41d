[ (builtins.getAttr "a" { a = 1; }) (builtins.hasAttr "b" { a = 1; }) (builtins.attrNames (builtins.removeAttrs { a = 1; b = 2; c = 3; } [ "a" "nope" "c" ])) ]
