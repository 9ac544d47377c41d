let
  boom = throw "not needed";
  set = { used = 1; unused = boom; };
  first = a: b: a;
  inherit (set) used;
in
[ set.used (first 2 boom) (builtins.length [ boom boom ]) (builtins.head [ 3 boom ]) (builtins.hasAttr "unused" set) used ]
