# Module sets about options and their types.
{ lib, scope }:
let
  inherit (lib) evalModules mkOption types;
  inherit (scope) ev o od;
in
{
  int = ev [
    { options.x = o types.int; }
    { x = 1; }
  ];
  eqmerge = ev [
    { options.x = o types.int; }
    { x = 1; }
    { x = 1; }
  ];
  deflt = ev [ { options.x = od types.int 3; } ];
  lazyAttrs =
    let
      c = ev [
        { options.x = o (types.lazyAttrsOf types.int); }
        {
          x.a = throw "no";
          x.b = 2;
        }
      ];
    in
    c.x.b;
  nul = ev [
    {
      options.x = od (types.nullOr types.int) null;
      options.y = od (types.nullOr types.int) null;
    }
    { y = 3; }
  ];
  eith = ev [
    {
      options.x = o (types.either types.int types.str);
      options.y = o (types.either types.int types.str);
    }
    {
      x = 1;
      y = "s";
    }
  ];
  oneof = ev [
    {
      options.x = o (
        types.oneOf [
          types.int
          types.bool
          (types.listOf types.int)
        ]
      );
    }
    { x = [ 3 ]; }
  ];
  enm = ev [
    {
      options.x = o (
        types.enum [
          "a"
          "b"
        ]
      );
    }
    { x = "a"; }
  ];
  enumMerge = ev [
    { options.x = o (types.enum [ "a" ]); }
    { options.x = o (types.enum [ "b" ]); }
    { x = "b"; }
  ];
  lines = ev [
    { options.x = od types.lines ""; }
    { x = "a"; }
  ];
  strsep = ev [
    { options.x = o (types.separatedString ":"); }
    { x = "a"; }
  ];
  pathT = ev [
    { options.x = o types.path; }
    { x = "/a/b"; }
  ];
  coerced = ev [
    { options.x = o (types.coercedTo types.int toString types.str); }
    { x = 3; }
  ];
  applied = ev [
    {
      options.x = mkOption {
        type = types.int;
        apply = v: v + 1;
        default = 1;
      };
    }
  ];
  readonly = ev [
    {
      options.x = mkOption {
        type = types.int;
        readOnly = true;
      };
    }
    { x = 3; }
  ];
  readonlyDef = ev [
    {
      options.x = mkOption {
        type = types.int;
        readOnly = true;
        default = 2;
      };
    }
  ];
  file = ev [
    { options.x = o types.int; }
    {
      _file = "foo";
      config.x = 3;
    }
  ];
  isdef =
    let
      e = evalModules {
        modules = [
          {
            options.x = o types.int;
            options.y = od types.int 1;
          }
        ];
      };
    in
    [
      e.options.x.isDefined
      e.options.y.isDefined
    ];
  defs =
    let
      e = evalModules {
        modules = [
          { options.x = o (types.listOf types.int); }
          {
            _file = "a";
            x = [ 1 ];
          }
        ];
      };
    in
    [
      e.options.x.definitions
      e.options.x.files
      e.options.x.loc
      ((builtins.head e.options.x.definitionsWithLocations).file)
    ];
  ext =
    ((evalModules { modules = [ { options.x = od types.int 1; } ]; }).extendModules {
      modules = [ { x = 2; } ];
    }).config;
  typ = ev [
    { options.s = o (evalModules { modules = [ { options.x = od types.int 1; } ]; }).type; }
    { s.x = 4; }
  ];
  anyth = ev [
    { options.x = o types.anything; }
    {
      x = {
        a = 1;
        b = {
          c = [ 1 ];
        };
      };
    }
    { x.b.d = "q"; }
  ];
  anythFn =
    (ev [
      { options.x = o types.anything; }
      { x = y: { a = y; }; }
      { x = y: { b = y; }; }
    ]).x
      3;
  rawT =
    (ev [
      { options.x = o types.raw; }
      {
        x = {
          a = throw "x";
          b = 1;
        };
      }
    ]).x.b;
  fnTo =
    (ev [
      { options.x = o (types.functionTo (types.listOf types.int)); }
      { x = y: [ y ]; }
    ]).x
      4;
  uniqT = ev [
    { options.x = o (types.uniq types.int); }
    { x = 4; }
  ];
  attrsT = ev [
    { options.x = od types.attrs { }; }
    {
      x = {
        a.b = 1;
      };
    }
  ];
  attrTag = ev [
    {
      options.x = o (
        types.attrTag {
          a = o types.int;
          b = o types.str;
        }
      );
    }
    { x.a = 3; }
  ];
  emptyList = ev [
    {
      options.x = o (types.listOf types.int);
      options.y = o (types.attrsOf types.int);
      options.z = o (types.nullOr types.int);
    }
  ];
  nested = ev [
    { options.a.b.c = od types.int 1; }
    { options.a.b.d = od types.int 2; }
    { a.b.c = 7; }
  ];
  declTwice = ev [
    { options.x = mkOption { type = types.int; }; }
    { options.x = mkOption { default = 5; }; }
  ];
  ints = ev [
    {
      options.a = o types.ints.u8;
      options.b = o types.ints.unsigned;
      options.c = o types.ints.positive;
      options.d = o (types.ints.between 3 4);
      options.e = o types.port;
      options.f = o types.ints.s8;
      options.g = o types.number;
      options.h = o types.float;
      options.i = o types.numbers.nonnegative;
    }
    {
      a = 255;
      b = 0;
      c = 1;
      d = 4;
      e = 65535;
      f = -128;
      g = 1.5;
      h = 2.5;
      i = 0.5;
    }
  ];
  strs = ev [
    {
      options.a = o types.nonEmptyStr;
      options.b = o (types.strMatching "a+");
      options.c = o types.singleLineStr;
    }
    {
      a = "x";
      b = "aaa";
      c = "l";
    }
  ];
  nel = ev [
    { options.a = o (types.nonEmptyListOf types.int); }
    { a = [ 1 ]; }
  ];
  addchk = ev [
    { options.a = o (types.addCheck types.int (x: x > 3)); }
    { a = 4; }
  ];
  funcArgsSet = ev [
    { options.x = o types.int; }
    { __functor = self: { config, ... }: { x = 4; }; }
  ];
  enableOpt = ev [
    { options.x.enable = lib.mkEnableOption "x"; }
    { x.enable = true; }
  ];
  prefixed =
    (evalModules {
      prefix = [ "p" ];
      modules = [ { options.x = od types.int 4; } ];
    }).options.x.loc;
  descT = ev [
    { options.meta = od types.int 1; }
    { meta = 3; }
  ];
  selfRef = ev [
    {
      options.a = od types.int 1;
      options.b = o types.int;
    }
    ({ config, ... }: { b = config.a + 1; })
  ];
  optDefaultCfg = ev [
    ({ config, ... }: {
      options.a = od types.int 1;
      options.b = od types.int (config.a * 2);
    })
    { a = 4; }
  ];
  listDefDrop = ev [
    { options.x = od (types.listOf types.int) [ 1 ]; }
    { x = [ 2 ]; }
  ];
  listMkDef = ev [
    { options.x = od (types.listOf types.int) [ 1 ]; }
    { x = lib.mkOptionDefault [ 2 ]; }
  ];
  attrsOfList = ev [
    { options.x = o (types.attrsOf (types.listOf types.int)); }
    { x.a = [ 1 ]; }
    { x.b = [ 2 ]; }
  ];
  drvT =
    (ev [
      { options.x = o types.package; }
      {
        x = {
          type = "derivation";
          name = "n";
          outPath = "/x";
        };
      }
    ]).x.name;
  noCheck = ev [
    {
      options.x = od types.int 1;
      config._module.check = false;
    }
    { nothing = 3; }
  ];
  noType = ev [
    { options.x = mkOption { }; }
    { x = 3; }
  ];
  defaultText = ev [
    {
      options.x = mkOption {
        type = types.int;
        default = 3;
        defaultText = "three";
        example = 4;
        description = "x";
        internal = true;
        visible = false;
      };
    }
  ];
  applyAfterMerge = ev [
    {
      options.x = mkOption {
        type = types.listOf types.int;
        apply = builtins.length;
      };
    }
    {
      x = [
        1
        2
        3
      ];
    }
  ];
  nullEqual = ev [
    { options.x = o (types.nullOr types.str); }
    { x = null; }
    { x = null; }
  ];
  pathValue =
    (ev [
      { options.x = o types.path; }
      { x = ./values.nix; }
    ]).x == ./values.nix;
  importPath = ev [
    { options.x = o types.int; }
    ./module.nix
  ];
  emptyModules = ev [ ];
  emptyConfig = ev [
    { options.a.b.c = od types.int 1; }
    { config = { }; }
    { a = { }; }
  ];
  optionsSeen = ev [
    {
      options.x = od types.int 1;
      options.n = o (types.listOf types.str);
    }
    ({ options, ... }: { n = builtins.filter (n: n != "_module") (builtins.attrNames options); })
  ];
  hasOption = ev [
    {
      options.x = od types.int 1;
      options.y = od types.bool false;
    }
    ({ options, lib, ... }: { y = options ? x && !(options ? z); })
  ];
}
