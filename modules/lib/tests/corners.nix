# Corners, one after the other, and what fails.
{ lib, scope }:
let
  inherit (lib)
    evalModules
    mkDefault
    mkForce
    mkIf
    mkMerge
    mkOption
    mkOverride
    types
    ;
  inherit (scope)
    ev
    o
    od
    try
    ;
in
[
  (ev [
    { options.x = od (types.attrsOf types.anything) { }; }
    {
      x.a = mkMerge [
        { b = 1; }
        { c = mkIf true 2; }
      ];
    }
  ])
  (ev [
    { options.x = od (types.listOf types.anything) [ ]; }
    { x = [ { a = mkIf true 1; } ]; }
  ])
  (try (ev [
    { options.x = o types.int; }
    { x = mkIf false 3; }
  ]))
  (ev [
    { options.x = o (types.nullOr (types.listOf types.int)); }
    { x = null; }
  ])
  (try (ev [
    { options.x = o (types.listOf types.int); }
    { options.x = o (types.listOf types.str); }
  ]))
  (ev [
    { options.x = o (types.listOf types.int); }
    { options.x = o (types.listOf types.int); }
    { x = [ 1 ]; }
  ])
  (ev [
    { options.x = o (types.either types.int (types.listOf types.int)); }
    { x = [ 1 ]; }
  ])
  (try (ev [
    { options.x = o (types.either types.int (types.listOf types.int)); }
    { x = [ 1 ]; }
    { x = 2; }
  ]))
  (ev [
    {
      options.x = o (
        types.submodule (
          { config, ... }: {
            options.y = od types.int 2;
            options.z = od types.int (config.y * 2);
          }
        )
      );
    }
    ({ config, ... }: { x.y = 4; })
  ])
  (ev [
    { options.x = o (types.attrsOf (types.submodule { options.y = od types.int 2; })); }
    {
      x = mkMerge [
        { a.y = 1; }
        (mkIf true { b = { }; })
        (mkIf false { c = { }; })
      ];
    }
  ])
  (ev [
    { options.x = o (types.attrsOf (types.submodule { options.y = od types.int 2; })); }
    {
      x.a = mkIf false { y = 3; };
      x.b = mkIf true { y = 4; };
    }
  ])
  (ev [
    { options.x = o (types.attrsOf (types.submodule { options.y = od types.int 2; })); }
    { x.a = mkForce { y = 3; }; }
    { x.a.y = 5; }
  ])
  (ev [
    { options.x = od types.str "a"; }
    { x = mkDefault "b"; }
    { x = mkOverride 900 "c"; }
  ])
  (try (ev [
    { options.x = o types.str; }
    { x = mkDefault "b"; }
    { x = mkDefault "c"; }
  ]))
  (ev [
    { options.x = od types.bool false; }
    { x = true; }
    { x = true; }
  ])
  (try (ev [
    { options.x = od types.bool false; }
    { x = true; }
    { x = false; }
  ]))
  (ev [
    { options.x = od (types.attrsOf types.str) { a = "d"; }; }
    { x.b = "e"; }
  ])
  (ev [
    { options.x = od (types.attrsOf types.str) { a = "d"; }; }
    { x = mkDefault { b = "e"; }; }
  ])
  (ev [
    { options.x.y = od types.int 1; }
    ({ config, ... }: {
      config = {
        x.y = if config ? x then 3 else 4;
      };
    })
  ])
  (try (ev [
    {
      options.x = o types.int;
      imports = [
        {
          config = {
            x = 1;
            y = 2;
          };
        }
      ];
    }
  ]))
  (ev [
    { options.x = o types.path; }
    { x = "/foo/../bar"; }
  ])
  (try (ev [
    { options.x = o types.package; }
    { x = "str"; }
  ]))
  ((evalModules {
    modules = [
      {
        options.x = mkOption {
          type = types.int;
          default = 3;
          description = "D";
          example = 4;
        };
      }
    ];
  }).options.x.description
  )
  (
    let
      e = evalModules {
        modules = [
          { options.x = od types.int 3; }
          { x = mkForce 4; }
        ];
      };
    in
    [
      e.options.x.value
      e.options.x.default
      e.options.x.highestPrio
      (e.options.x ? definitions)
      (builtins.length e.options.x.declarations)
    ]
  )
  (ev [
    { options.x = o (types.listOf (types.nullOr types.int)); }
    {
      x = [
        null
        1
      ];
    }
  ])
  (
    (ev [
      { options.x = o (types.lazyAttrsOf (types.nullOr types.int)); }
      {
        x = {
          a = mkIf false 1;
          b = 2;
        };
      }
    ])
  )
  (try (
    (ev [
      { options.x = o (types.lazyAttrsOf types.int); }
      {
        x = {
          a = mkIf false 1;
          b = 2;
        };
      }
    ]).x.a
  ))
  (ev [
    {
      options.x = o (types.coercedTo (types.listOf types.str) (builtins.concatStringsSep ",") types.str);
    }
    {
      x = [
        "a"
        "b"
      ];
    }
  ])
  (try (ev [
    { options.x = o (types.coercedTo types.str (s: s + "!") types.str); }
    { x = "a"; }
  ]))
  (ev [
    { options.x = o (types.addCheck (types.listOf types.int) (l: builtins.length l < 3)); }
    { x = [ 1 ]; }
    { x = [ 1 ]; }
  ])
  (ev [
    { options.x = o (types.uniq (types.listOf types.int)); }
    {
      x = [
        1
        2
      ];
    }
  ])
  (try (ev [
    { options.x = o (types.uniq types.int); }
    { x = 1; }
    { x = 1; }
  ]))
  (ev [
    { options.x = o types.raw; }
    { x = [ 1 ]; }
  ])
  (try (ev [
    { options.x = o types.raw; }
    { x = 1; }
    { x = 1; }
  ]))
  (ev [
    { options.x = o types.anything; }
    { x = 1; }
    { x = 1; }
  ])
  (try (ev [
    { options.x = o types.anything; }
    { x = 1; }
    { x = 2; }
  ]))
  (try (ev [
    { options.x = o types.anything; }
    {
      x = {
        a = 1;
      };
    }
    { x = 2; }
  ]))
  (ev [
    { options.x = o types.attrs; }
    {
      x = {
        a = 1;
      };
    }
    {
      x = {
        b = 2;
      };
    }
  ])
  (ev [
    { options.x = o (types.attrsOf (types.attrsOf types.int)); }
    { x.a.b = 1; }
    {
      x.a.c = 2;
      x.d = { };
    }
  ])
  (try (ev [
    {
      options.x = o (
        types.enum [
          1
          2
          "a"
          null
        ]
      );
    }
    { x = null; }
  ]))
  ((evalModules {
    modules = [ ({ myLib, ... }: { options.x = od types.int myLib; }) ];
    specialArgs.myLib = 4;
  }).config
  )
  (ev [
    (
      { lib, ... }@args:
      {
        options.n = o (types.listOf types.str);
        config.n = builtins.filter (
          n:
          builtins.elem n [
            "lib"
            "config"
            "options"
          ]
        ) (builtins.attrNames args);
      }
    )
  ])
  (ev [
    {
      options.x = o (
        types.submodule [
          { options.a = od types.int 1; }
          { options.b = od types.int 2; }
        ]
      );
    }
  ])
  (ev [
    {
      options.x = o (
        types.submodule {
          imports = [ { options.a = od types.int 1; } ];
          options.b = od types.int 2;
        }
      );
    }
    {
      x = {
        a = 3;
      };
    }
  ])
  (ev [
    {
      options.x = mkOption {
        type = types.submodule { options.b = od types.int 2; };
        default = {
          b = 4;
        };
      };
    }
    { x = { }; }
  ])
  (ev [
    {
      options.x = mkOption {
        type = types.listOf (types.submodule { options.b = od types.int 2; });
        apply = map (v: v.b);
        default = [ ];
      };
    }
    {
      x = [
        { }
        { b = 5; }
      ];
    }
  ])
  (try (ev [
    { options.x = o types.ints.u16; }
    { x = -1; }
  ]))
  (ev [
    {
      options.a.enable = lib.mkEnableOption "a";
      options.a.v = od types.int 1;
    }
    ({ config, ... }: mkIf config.a.enable { a.v = 2; })
    { a.enable = mkDefault true; }
  ])
  (ev [
    { options.x = od types.int 1; }
    ({ config, ... }: { imports = [ { x = 3; } ]; })
  ])
  (ev [
    {
      options.a = od types.int 1;
      options.b = od types.int 1;
    }
    {
      config = mkMerge [
        (mkIf true (mkMerge [
          { a = 2; }
          { b = 3; }
        ]))
      ];
    }
  ])
  (ev [
    { options.a.b = od types.int 1; }
    { a = mkMerge [ (mkIf true { b = mkDefault 4; }) ]; }
  ])
  (try (ev [
    { options.a = o types.float; }
    { a = 1; }
  ]))
  (try (ev [
    { options.a = o types.number; }
    { a = "1"; }
  ]))
  (try (ev [
    { options.a = o types.singleLineStr; }
    { a = "a\n"; }
  ]))
  (try (ev [
    { options.a = o types.nonEmptyStr; }
    { a = ""; }
  ]))
  (try (ev [ { options.a = o (types.nonEmptyListOf types.int); } ]))
  (try (ev [
    { options.a = o types.str; }
    { a = ./x; }
  ]))
  (try (ev [
    {
      options.a = o types.bool;
      options.b = o types.bool;
    }
    { a = true; }
  ]))
  (ev [
    {
      options.a = mkOption {
        type = types.bool;
        apply = b: if b then "yes" else "no";
        default = true;
      };
    }
  ])
  ((ev [
    (lib.mkAliasOptionModule [ "old" ] [ "new" "a" ])
    { options.new.a = od types.int 7; }
  ]).old
  )
  ((ev [
    (lib.mkAliasOptionModule [ "old" ] [ "new" ])
    { options.new = o (types.submodule { options.q = od types.int 1; }); }
    { old.q = 4; }
  ]).new
  )
  (ev [
    { freeformType = types.attrsOf types.int; }
    { a = 1; }
    { a = mkForce 2; }
  ])
  (ev [
    {
      freeformType = types.attrs;
      options.b.c = od types.int 1;
    }
    {
      b.d = 1;
      e = 2;
    }
  ])
  (try (ev [
    { freeformType = types.attrsOf types.int; }
    { a = "x"; }
  ]))
  (ev [
    {
      config._module.check = false;
      options.a = od types.int 1;
    }
    { zzz.y = 1; }
  ])
  ((evalModules {
    modules = [ { options.a = od types.int 1; } ];
    class = "foo";
  }).config
  )
  (try
    (evalModules {
      modules = [
        {
          _class = "bar";
          options.a = od types.int 1;
        }
      ];
      class = "foo";
    }).config
  )
  (ev [
    {
      options.a = o (
        types.attrTag {
          x = o types.int;
          y = mkOption { type = types.submodule { options.z = od types.int 3; }; };
        }
      );
    }
    { a.y = { }; }
  ])
  ((types.listOf types.int).check [ "a" ])
  ((types.attrsOf types.int).check { })
  ((types.nullOr types.int).check null)
  ((types.ints.between 1 3).check 4)
  ((types.either types.int types.str).check 1.5)
  (lib.isOption (mkOption { }))
  ([
    types.int.name
    types.str.name
    types.bool.name
    (types.listOf types.int).name
    (types.attrsOf types.int).name
    (types.nullOr types.int).name
    (types.enum [ "a" ]).name
    (types.submodule { }).name
    types.lines.name
    types.path.name
  ])
]
