# Module sets about definitions and the modules they come from.
{ lib, scope }:
let
  inherit (lib)
    evalModules
    mkAfter
    mkBefore
    mkDefault
    mkForce
    mkIf
    mkMerge
    mkOrder
    mkOverride
    types
    ;
  inherit (scope) ev o od;
in
{
  mkdef = ev [
    { options.x = od types.int 3; }
    { x = mkDefault 4; }
  ];
  force = ev [
    { options.x = od types.int 3; }
    { x = mkForce 4; }
    { x = 5; }
  ];
  ovr = ev [
    { options.x = od (types.listOf types.int) [ 3 ]; }
    { x = mkOverride 10 [ 4 ]; }
    { x = mkForce [ 5 ]; }
  ];
  iff = ev [
    {
      options.x = od types.int 3;
      options.e = od types.bool false;
    }
    ({ config, ... }: { config = mkIf config.e { x = 9; }; })
  ];
  iff2 = ev [
    {
      options.x = od types.int 3;
      options.e = od types.bool false;
    }
    ({ config, ... }: { config = mkIf config.e { x = 9; }; })
    { e = true; }
  ];
  mrg = ev [
    {
      options.x = o (types.listOf types.int);
      options.y = od types.str "a";
    }
    {
      config = mkMerge [
        { x = [ 1 ]; }
        (mkIf false { y = "b"; })
        { x = mkBefore [ 0 ]; }
        { x = mkAfter [ 9 ]; }
        { x = mkOrder 600 [ 6 ]; }
      ];
    }
  ];
  ifInList = ev [
    { options.x = o (types.listOf types.int); }
    {
      x = mkIf true [
        1
        2
      ];
    }
  ];
  ifElem = ev [
    { options.x = o (types.listOf types.int); }
    {
      x = [
        (mkIf false 1)
        2
        (mkMerge [ (mkIf true 3) ])
      ];
    }
  ];
  attrsIf = ev [
    { options.x = o (types.attrsOf types.int); }
    {
      x.a = mkIf false 1;
      x.b = mkDefault 2;
    }
    { x.b = 3; }
  ];
  commas = ev [
    { options.x = o types.commas; }
    { x = "a"; }
    { x = mkBefore "0"; }
  ];
  lib_ = ev [
    { options.x = o types.int; }
    ({ lib, ... }: { x = lib.mkForce 2; })
  ];
  imports = ev [
    {
      imports = [
        { options.x = o types.int; }
        ({ ... }: { imports = [ { x = 2; } ]; })
      ];
    }
  ];
  keyed = ev [
    { options.x = o (types.listOf types.int); }
    {
      key = "k";
      config.x = [ 1 ];
    }
    {
      key = "k";
      config.x = [ 1 ];
    }
  ];
  disabled = ev [
    { options.x = o (types.listOf types.int); }
    {
      key = "k";
      config.x = [ 1 ];
    }
    {
      disabledModules = [ { key = "k"; } ];
      config.x = [ 2 ];
    }
  ];
  prio =
    let
      e = evalModules {
        modules = [
          {
            options.x = od types.int 3;
            options.y = od types.int 1;
            options.z = o types.int;
          }
          { x = mkForce 1; }
          ({ options, ... }: { z = options.x.highestPrio; })
        ];
      };
    in
    [
      e.options.x.highestPrio
      e.options.y.highestPrio
      e.options.x.isDefined
      e.options.z.isDefined
      e.config.z
    ];
  special =
    (evalModules {
      modules = [
        ({ extra, ... }: { imports = extra; })
        { options.x = o types.int; }
      ];
      specialArgs.extra = [ { x = 3; } ];
    }).config;
  renamed = ev [
    {
      options.n.x = od types.int 1;
      options.warnings = od (types.listOf types.str) [ ];
    }
    (lib.mkAliasOptionModule [ "o" "x" ] [ "n" "x" ])
    { o.x = 5; }
  ];
  renamedUnset =
    (ev [
      {
        options.n.x = od types.int 1;
        options.warnings = od (types.listOf types.str) [ ];
      }
      (lib.mkRenamedOptionModule [ "o" "x" ] [ "n" "x" ])
    ]).n;
  renamedForce =
    (ev [
      {
        options.n.x = od types.int 1;
        options.warnings = od (types.listOf types.str) [ ];
      }
      (lib.mkAliasOptionModule [ "o" "x" ] [ "n" "x" ])
      { o.x = mkForce 3; }
      { n.x = 4; }
    ]).n;
  renamedIf =
    (ev [
      { options.n.x = od types.int 1; }
      (lib.mkAliasOptionModule [ "o" "x" ] [ "n" "x" ])
      { o.x = mkIf false 3; }
    ]).n;
  removed =
    (ev [
      {
        options.assertions = od (types.listOf types.unspecified) [ ];
        options.q = od types.int 1;
      }
      (lib.mkRemovedOptionModule [ "o" "x" ] "use y")
    ]).q;
  removedSet =
    builtins.length
      (ev [
        { options.assertions = od (types.listOf types.unspecified) [ ]; }
        (lib.mkRemovedOptionModule [ "o" "x" ] "use y")
        { o.x = 3; }
      ]).assertions;
  anythPrio = ev [
    { options.x = o types.anything; }
    {
      x.a = mkDefault 1;
      x.b = mkIf false 3;
    }
    { x.a = 2; }
  ];
  nestedIf = ev [
    {
      options.a.b = od types.int 1;
      options.a.c = od types.int 2;
    }
    {
      a = mkIf true {
        b = mkForce 3;
        c = mkIf false 9;
      };
    }
  ];
  forceSet = ev [
    {
      options.a.b = od types.int 1;
      options.a.c = od types.int 2;
    }
    { a = mkForce { b = 3; }; }
    {
      a.b = 4;
      a.c = 5;
    }
  ];
  ifMergeNest = ev [
    { options.x = o (types.listOf types.int); }
    {
      x = mkMerge [
        (mkIf true (mkMerge [
          [ 1 ]
          (mkIf false [ 2 ])
        ]))
      ];
    }
  ];
  orderForce2 = ev [
    { options.x = o (types.listOf types.int); }
    { x = mkForce (mkBefore [ 1 ]); }
    { x = mkForce [ 2 ]; }
  ];
  args = ev [
    {
      options.x = o types.int;
      config._module.args.foo = 12;
    }
    ({ foo, ... }: { x = foo; })
  ];
  argsOfConfig = ev [
    ({ config, ... }: {
      options.x = o types.int;
      options.y = od types.int 3;
      config._module.args.foo = config.y + 1;
    })
    ({ foo, ... }: { x = foo; })
  ];
  topIf = ev [
    { options.x = od types.int 1; }
    (mkIf true { x = 2; })
  ];
  fnIf = ev [
    {
      options.x = od types.int 1;
      options.on = od types.bool true;
    }
    ({ config, ... }: mkIf config.on { x = 2; })
  ];
  lazyIf =
    (ev [
      { options.x = o (types.lazyAttrsOf types.int); }
      {
        x.a = mkIf true 1;
        x.b = 2;
      }
    ]).x.a;
  importTwice = ev [
    {
      options.x = o types.int;
      options.l = od (types.listOf types.int) [ ];
    }
    ./module.nix
    { imports = [ ./module.nix ]; }
  ];
  disabledPath = ev [
    { options.x = od types.int 1; }
    ./module.nix
    { disabledModules = [ ./module.nix ]; }
  ];
}
