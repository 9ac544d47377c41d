[ (builtins ? builtins.builtins.map) (builtins.isAttrs builtins) (__length [ 1 2 ]) (builtins.length (builtins.attrNames builtins) > 90) ]
