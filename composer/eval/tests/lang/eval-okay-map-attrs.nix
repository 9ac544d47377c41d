[ (builtins.mapAttrs (name: value: "${name}=${toString value}") { a = 1; b = 2; }) (builtins.attrNames (builtins.mapAttrs (throw "lazy") { x = 1; })) ]
