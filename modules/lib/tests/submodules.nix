# Module sets with modules inside of values: submodules, freeform types, deferred modules.
{ lib, scope }:
let
  inherit (lib)
    evalModules
    mkDefault
    mkForce
    mkIf
    types
    ;
  inherit (scope) ev o od;
in
{
  sub = ev [
    {
      options.x = o (
        types.attrsOf (
          types.submodule (
            { name, ... }: {
              options.n = od types.str name;
              options.k = od types.int 0;
            }
          )
        )
      );
    }
    {
      x.a = { };
      x.b.k = 4;
    }
    { x.b.n = "B"; }
  ];
  subList = ev [
    { options.x = o (types.listOf (types.submodule { options.k = od types.int 0; })); }
    {
      x = [
        { }
        { k = 3; }
      ];
    }
  ];
  subFn = ev [
    {
      options.x = od (types.submodule {
        options.k = od types.int 0;
        options.j = od types.int 1;
      }) { };
    }
    { x = { config, ... }: { config.k = config.j + 1; }; }
  ];
  subDef = ev [ { options.x = od (types.submodule { options.k = od types.int 0; }) { k = 5; }; } ];
  subNoDef = ev [ { options.x = o (types.submodule { options.k = od types.int 0; }); } ];
  subFree = ev [
    {
      options.x = o (
        types.submodule {
          freeformType = types.attrsOf types.int;
          options.k = od types.int 0;
        }
      );
    }
    {
      x = {
        a = 1;
        b = 2;
      };
    }
  ];
  free = ev [
    {
      freeformType = types.attrsOf (types.either types.int types.str);
      options.k = od types.int 0;
    }
    { a = 1; }
    { b = "x"; }
  ];
  freeLazy = ev [
    { freeformType = types.lazyAttrsOf types.str; }
    ({ config, ... }: {
      a = config.b;
      b = "q";
    })
  ];
  coercedL = ev [
    {
      options.x = o (
        types.listOf (
          types.coercedTo types.str (s: { n = s; }) (
            types.submodule {
              options.n = o types.str;
              options.m = od types.int 1;
            }
          )
        )
      );
    }
    {
      x = [
        "a"
        {
          n = "b";
          m = 2;
        }
      ];
    }
  ];
  declSub = ev [
    { options.s = o (types.submodule { options.a = od types.int 1; }); }
    { options.s = o (types.submodule { options.b = od types.int 2; }); }
  ];
  declListSub = ev [
    { options.s = o (types.attrsOf (types.submodule { options.a = od types.int 1; })); }
    { options.s = o (types.attrsOf (types.submodule { options.b = od types.int 2; })); }
    { s.q = { }; }
  ];
  subOptsExt = ev [
    { options.s = od (types.submodule { options.a = od types.int 1; }) { }; }
    { options.s.b = od types.int 2; }
  ];
  deferred2 =
    (ev [
      {
        options.m = o types.deferredModule;
        options.r = o types.int;
      }
      ({ config, ... }: {
        m = {
          options.z = od types.int 4;
        };
        r = (evalModules { modules = [ config.m ]; }).config.z;
      })
    ]).r;
  subWithArgs = ev [
    {
      options.s = o (
        types.submoduleWith {
          modules = [ ({ foo, ... }: { options.v = od types.int foo; }) ];
          specialArgs.foo = 8;
        }
      );
    }
  ];
  shorthand = ev [
    {
      options.s = o (
        types.submoduleWith {
          modules = [
            {
              options.config = od types.int 1;
              options.v = od types.int 1;
            }
          ];
          shorthandOnlyDefinesConfig = true;
        }
      );
    }
    {
      s = {
        config = 3;
      };
    }
  ];
  noShorthand = ev [
    { options.s = o (types.submoduleWith { modules = [ { options.v = od types.int 1; } ]; }); }
    {
      s = {
        config.v = 3;
      };
    }
  ];
  modArgsName = ev [
    {
      options.s = o (
        types.attrsOf (
          types.submodule (
            { name, config, ... }: {
              options.v = od types.str "${name}-${toString config.w}";
              options.w = od types.int 1;
            }
          )
        )
      );
    }
    { s.q.w = 3; }
  ];
  nullOrSub = ev [
    { options.x = od (types.nullOr (types.submodule { options.k = od types.int 1; })) null; }
    { x = { }; }
  ];
  eitherSub = ev [
    { options.x = o (types.either types.str (types.submodule { options.k = od types.int 1; })); }
    { x.k = 2; }
  ];
  subImports = ev [
    { options.x = o (types.submoduleWith { modules = [ { options.k = od types.int 0; } ]; }); }
    {
      x = {
        imports = [ { k = 7; } ];
      };
    }
  ];
  freeNested = ev [
    {
      config._module.freeformType = types.attrsOf types.anything;
      options.a.k = od types.int 0;
    }
    { a.z = 1; }
    {
      a.y.q = 2;
      b = [ 1 ];
    }
  ];
  freeWins = ev [
    {
      freeformType = types.attrsOf types.int;
      options.k = od types.str "s";
    }
    { z = mkDefault 1; }
    { z = 2; }
  ];
  freeIf = ev [
    {
      freeformType = types.attrsOf types.int;
      options.k = od types.str "s";
    }
    {
      z = mkIf false 1;
      y = mkIf true 1;
    }
  ];
  freeInSub = ev [
    {
      options.x = o (
        types.attrsOf (
          types.submodule {
            freeformType = types.attrsOf types.str;
            options.k = od types.int 1;
          }
        )
      );
    }
    {
      x.a.q = "1";
      x.b = {
        k = 2;
        r = "2";
      };
    }
  ];
  deferred =
    (ev [
      {
        options.m = o types.deferredModule;
        options.r = o types.int;
      }
      ({ config, ... }: {
        m = {
          options.z = od types.int 4;
        };
        r =
          (evalModules {
            modules = [
              config.m
              { z = 5; }
            ];
          }).config.z;
      })
    ]).r;
  nestedSub = ev [
    {
      options.a = o (
        types.attrsOf (
          types.submodule {
            options.b = od (types.listOf (
              types.submodule (
                { config, ... }: {
                  options.c = od types.int 1;
                  options.d = od types.int (config.c + 1);
                }
              )
            )) [ ];
          }
        )
      );
    }
    {
      a.x.b = [
        { c = 5; }
        { }
      ];
    }
  ];
  subDefault = ev [
    { options.x = od (types.attrsOf (types.submodule { options.k = od types.int 0; })) { q.k = 1; }; }
  ];
  subPriority = ev [
    { options.x = o (types.submodule { options.k = od types.int 0; }); }
    { x.k = mkForce 1; }
    { x.k = 2; }
  ];
  subForceWhole = ev [
    {
      options.x = o (
        types.submodule {
          options.k = od types.int 0;
          options.j = od types.int 0;
        }
      );
    }
    { x = mkForce { k = 1; }; }
    {
      x = {
        k = 2;
        j = 3;
      };
    }
  ];
}
