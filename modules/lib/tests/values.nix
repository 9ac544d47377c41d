# Module sets and what they come to; composer/instantiate/tests/modules.rs holds the values.
# `same` is what every implementation of these names agrees on, nixpkgs' as well; `ours` is not.
{ lib }:
let
  inherit (lib)
    evalModules
    mkAfter
    mkBefore
    mkDefault
    mkForce
    mkIf
    mkMerge
    mkOption
    mkOrder
    mkOverride
    types
    ;

  ev = modules: (evalModules { inherit modules; }).config;

  o = type: mkOption { inherit type; };

  od = type: default: mkOption { inherit type default; };

  # What fails is the same, too, if not in which words.
  try =
    value:
    let
      tried = builtins.tryEval (builtins.deepSeq value value);
    in
    if tried.success then tried.value else "fails";
in
{
  same = {
    int = ev [ { options.x = o types.int; } { x = 1; } ];
    eqmerge = ev [ { options.x = o types.int; } { x = 1; } { x = 1; } ];
    deflt = ev [ { options.x = od types.int 3; } ];
    mkdef = ev [ { options.x = od types.int 3; } { x = mkDefault 4; } ];
    force = ev [ { options.x = od types.int 3; } { x = mkForce 4; } { x = 5; } ];
    ovr = ev [ { options.x = od (types.listOf types.int) [3]; } { x = mkOverride 10 [4]; } { x = mkForce [5]; } ];
    iff = ev [ { options.x = od types.int 3; options.e = od types.bool false; } ({config,...}: { config = mkIf config.e { x = 9; }; }) ];
    iff2 = ev [ { options.x = od types.int 3; options.e = od types.bool false; } ({config,...}: { config = mkIf config.e { x = 9; }; }) {e=true;} ];
    mrg = ev [ { options.x = o (types.listOf types.int); options.y = od types.str "a"; } { config = mkMerge [ { x = [1]; } (mkIf false { y = "b"; }) { x = mkBefore [0]; } { x = mkAfter [9]; }  { x = mkOrder 600 [6]; } ]; } ];
    ifInList = ev [ { options.x = o (types.listOf types.int); } { x = mkIf true [ 1 2 ]; } ];
    ifElem = ev [ { options.x = o (types.listOf types.int); } { x = [ (mkIf false 1) 2 (mkMerge [ (mkIf true 3) ]) ]; } ];
    attrsIf = ev [ { options.x = o (types.attrsOf types.int); } { x.a = mkIf false 1; x.b = mkDefault 2; } {x.b = 3;} ];
    lazyAttrs = let c = ev [ { options.x = o (types.lazyAttrsOf types.int); } { x.a = throw "no"; x.b = 2; } ]; in c.x.b;
    sub = ev [ { options.x = o (types.attrsOf (types.submodule ({name,...}: { options.n = od types.str name; options.k = od types.int 0; }))); } { x.a = {}; x.b.k = 4; } { x.b.n = "B"; } ];
    subList = ev [ { options.x = o (types.listOf (types.submodule { options.k = od types.int 0; })); } { x = [ {} { k = 3; } ]; } ];
    subFn = ev [ { options.x = od (types.submodule { options.k = od types.int 0; options.j = od types.int 1; }) {}; } { x = { config, ... }: { config.k = config.j + 1; }; } ];
    subDef = ev [ { options.x = od (types.submodule { options.k = od types.int 0; }) { k = 5; }; } ];
    subNoDef = ev [ { options.x = o (types.submodule { options.k = od types.int 0; }); } ];
    subFree = ev [ { options.x = o (types.submodule { freeformType = types.attrsOf types.int; options.k = od types.int 0; }); } { x = { a = 1; b = 2; }; } ];
    free = ev [ { freeformType = types.attrsOf (types.either types.int types.str); options.k = od types.int 0; } { a = 1; } { b = "x"; } ];
    freeLazy = ev [ { freeformType = types.lazyAttrsOf types.str; } ({config,...}: { a = config.b; b = "q"; }) ];
    nul = ev [ { options.x = od (types.nullOr types.int) null; options.y = od (types.nullOr types.int) null; } { y = 3; } ];
    eith = ev [ { options.x = o (types.either types.int types.str); options.y = o (types.either types.int types.str);} { x = 1; y = "s"; } ];
    oneof = ev [ { options.x = o (types.oneOf [types.int types.bool (types.listOf types.int)]); } { x = [3]; } ];
    enm = ev [ { options.x = o (types.enum ["a" "b"]); } {x="a";} ];
    enumMerge = ev [ { options.x = o (types.enum ["a"]); } { options.x = o (types.enum ["b"]); } {x="b";} ];
    lines = ev [ { options.x = od types.lines ""; } {x="a";} ];
    strsep = ev [ { options.x = o (types.separatedString ":"); } {x="a";} ];
    commas = ev [ { options.x = o types.commas; } {x="a";} {x=mkBefore "0";} ];
    pathT = ev [ { options.x = o types.path; } {x="/a/b";} ];
    coerced = ev [ { options.x = o (types.coercedTo types.int toString types.str); } {x=3;} ];
    coercedL = ev [ { options.x = o (types.listOf (types.coercedTo types.str (s: {n=s;}) (types.submodule { options.n = o types.str; options.m = od types.int 1;}))); } {x=["a" {n="b";m=2;}];} ];
    applied = ev [ { options.x = mkOption { type = types.int; apply = v: v + 1; default = 1; }; } ];
    readonly = ev [ { options.x = mkOption { type = types.int; readOnly = true; }; } {x=3;} ];
    readonlyDef = ev [ { options.x = mkOption { type = types.int; readOnly = true; default = 2; }; } ];
    lib_ = ev [ { options.x = o types.int; } ({lib,...}: { x = lib.mkForce 2; }) ];
    imports = ev [ { imports = [ { options.x = o types.int; } ({...}: { imports = [ { x = 2; } ]; }) ]; } ];
    keyed = ev [ { options.x = o (types.listOf types.int); } { key = "k"; config.x = [1]; } { key = "k"; config.x = [1]; } ];
    disabled = ev [ { options.x = o (types.listOf types.int); } { key = "k"; config.x = [1]; } { disabledModules = [ { key = "k"; } ]; config.x = [2]; } ];
    file = ev [ { options.x = o types.int; } { _file = "foo"; config.x = 3; } ];
    prio = let e = evalModules { modules = [ { options.x = od types.int 3; options.y = od types.int 1; options.z = o types.int; } { x = mkForce 1; } ({options,...}: {z = options.x.highestPrio; }) ]; }; in [ e.options.x.highestPrio e.options.y.highestPrio e.options.x.isDefined e.options.z.isDefined e.config.z ];
    isdef = let e = evalModules { modules = [ { options.x = o types.int; options.y = od types.int 1; } ]; }; in [ e.options.x.isDefined e.options.y.isDefined ];
    defs = let e = evalModules { modules = [ { options.x = o (types.listOf types.int); } {_file="a"; x=[1];} ]; }; in [ e.options.x.definitions e.options.x.files e.options.x.loc ((builtins.head e.options.x.definitionsWithLocations).file) ];
    special = (evalModules { modules = [ ({extra,...}: { imports = extra; }) { options.x = o types.int; } ]; specialArgs.extra = [ { x = 3; } ]; }).config;
    ext = ((evalModules { modules = [ { options.x = od types.int 1; } ]; }).extendModules { modules = [ { x = 2; } ]; }).config;
    typ = ev [ { options.s = o (evalModules { modules = [ { options.x = od types.int 1; } ]; }).type; } { s.x = 4; } ];
    renamed = ev [ { options.n.x = od types.int 1; options.warnings = od (types.listOf types.str) []; } (lib.mkAliasOptionModule ["o" "x"] ["n" "x"]) { o.x = 5; } ];
    renamedUnset = (ev [ { options.n.x = od types.int 1; options.warnings = od (types.listOf types.str) []; } (lib.mkRenamedOptionModule ["o" "x"] ["n" "x"]) ]).n;
    renamedForce = (ev [ { options.n.x = od types.int 1; options.warnings = od (types.listOf types.str) []; } (lib.mkAliasOptionModule ["o" "x"] ["n" "x"]) {o.x = mkForce 3;} {n.x = 4;} ]).n;
    renamedIf = (ev [ { options.n.x = od types.int 1; } (lib.mkAliasOptionModule ["o" "x"] ["n" "x"]) {o.x = mkIf false 3;} ]).n;
    removed = (ev [ { options.assertions = od (types.listOf types.unspecified) []; options.q = od types.int 1;} (lib.mkRemovedOptionModule ["o" "x"] "use y") ]).q;
    removedSet = builtins.length (ev [ { options.assertions = od (types.listOf types.unspecified) []; } (lib.mkRemovedOptionModule ["o" "x"] "use y") { o.x = 3; } ]).assertions;
    anyth = ev [ { options.x = o types.anything; } { x = { a = 1; b = { c = [1]; }; }; } { x.b.d = "q"; } ];
    anythFn = (ev [ { options.x = o types.anything; } { x = y: { a = y; }; } { x = y: { b = y; }; } ]).x 3;
    anythPrio = ev [ { options.x = o types.anything; } { x.a = mkDefault 1; x.b = mkIf false 3; } { x.a = 2; } ];
    rawT = (ev [ { options.x = o types.raw; } { x = { a = throw "x"; b = 1; }; } ]).x.b;
    fnTo = (ev [ { options.x = o (types.functionTo (types.listOf types.int)); } { x = y: [ y ]; } ]).x 4;
    uniqT = ev [ { options.x = o (types.uniq types.int); } { x = 4; } ];
    attrsT = ev [ { options.x = od types.attrs {}; } { x = { a.b = 1; }; } ];
    attrTag = ev [ { options.x = o (types.attrTag { a = o types.int; b = o types.str; }); } { x.a = 3; } ];
    emptyList = ev [ { options.x = o (types.listOf types.int); options.y = o (types.attrsOf types.int); options.z = o (types.nullOr types.int); } ];
    nested = ev [ { options.a.b.c = od types.int 1; } { options.a.b.d = od types.int 2; } { a.b.c = 7; } ];
    declTwice = ev [ { options.x = mkOption { type = types.int; }; } { options.x = mkOption { default = 5; }; } ];
    declSub = ev [ { options.s = o (types.submodule { options.a = od types.int 1; }); } { options.s = o (types.submodule { options.b = od types.int 2; }); } ];
    declListSub = ev [ { options.s = o (types.attrsOf (types.submodule { options.a = od types.int 1; })); } { options.s = o (types.attrsOf (types.submodule { options.b = od types.int 2; })); } { s.q = {}; } ];
    subOptsExt = ev [ { options.s = od (types.submodule { options.a = od types.int 1; }) {}; } { options.s.b = od types.int 2; } ];
    ints = ev [ { options.a = o types.ints.u8; options.b = o types.ints.unsigned; options.c = o types.ints.positive; options.d = o (types.ints.between 3 4); options.e = o types.port; options.f=o types.ints.s8; options.g = o types.number; options.h = o types.float; options.i = o types.numbers.nonnegative; } { a = 255; b = 0; c = 1; d = 4; e = 65535; f = -128; g = 1.5; h = 2.5; i = 0.5; } ];
    strs = ev [ { options.a = o types.nonEmptyStr; options.b = o (types.strMatching "a+"); options.c = o types.singleLineStr; } { a = "x"; b = "aaa"; c = "l"; } ];
    nel = ev [ { options.a = o (types.nonEmptyListOf types.int);} { a = [1]; } ];
    addchk = ev [ { options.a = o (types.addCheck types.int (x: x > 3));} { a = 4; } ];
    nestedIf = ev [ { options.a.b = od types.int 1; options.a.c = od types.int 2; } { a = mkIf true { b = mkForce 3; c = mkIf false 9; }; } ];
    forceSet = ev [ { options.a.b = od types.int 1; options.a.c = od types.int 2; } { a = mkForce { b = 3; }; } { a.b = 4; a.c = 5; } ];
    ifMergeNest = ev [ { options.x = o (types.listOf types.int); } { x = mkMerge [ (mkIf true (mkMerge [ [1] (mkIf false [2]) ])) ]; } ];
    funcArgsSet = ev [ { options.x = o types.int; } { __functor = self: {config,...}: { x = 4; }; } ];
    enableOpt = ev [ { options.x.enable = lib.mkEnableOption "x"; } { x.enable = true; } ];
    orderForce2 = ev [ { options.x = o (types.listOf types.int); } { x = mkForce (mkBefore [1]); } { x = mkForce [2]; } ];
    deferred2 = (ev [ { options.m = o types.deferredModule; options.r = o types.int; } ({config,...}: { m = { options.z = od types.int 4; }; r = (evalModules { modules = [ config.m ]; }).config.z; }) ]).r;
    prefixed = (evalModules { prefix = ["p"]; modules = [ { options.x = od types.int 4; } ]; }).options.x.loc;
    subWithArgs = ev [ { options.s = o (types.submoduleWith { modules = [ ({foo,...}: { options.v = od types.int foo; }) ]; specialArgs.foo = 8; }); } ];
    shorthand = ev [ { options.s = o (types.submoduleWith { modules = [ { options.config = od types.int 1; options.v = od types.int 1; } ]; shorthandOnlyDefinesConfig = true; }); } { s = { config = 3; }; } ];
    noShorthand = ev [ { options.s = o (types.submoduleWith { modules = [ { options.v = od types.int 1; } ]; }); } { s = { config.v = 3; }; } ];
    descT = ev [ { options.meta = od types.int 1; } { meta = 3; } ];
    modArgsName = ev [ { options.s = o (types.attrsOf (types.submodule ({name,config,...}: { options.v = od types.str "${name}-${toString config.w}"; options.w = od types.int 1; }))); } { s.q.w = 3; } ];
    selfRef = ev [ { options.a = od types.int 1; options.b = o types.int; } ({config, ...}: { b = config.a + 1; }) ];
    optDefaultCfg = ev [ ({config,...}: { options.a = od types.int 1; options.b = od types.int (config.a * 2); }) { a = 4; } ];
    listDefDrop = ev [ { options.x = od (types.listOf types.int) [1]; } { x = [2]; } ];
    listMkDef = ev [ { options.x = od (types.listOf types.int) [1]; } { x = lib.mkOptionDefault [2]; } ];
    attrsOfList = ev [ { options.x = o (types.attrsOf (types.listOf types.int)); } { x.a = [1]; } { x.b = [2]; } ];
    nullOrSub = ev [ { options.x = od (types.nullOr (types.submodule { options.k = od types.int 1; })) null; } { x = {}; } ];
    eitherSub = ev [ { options.x = o (types.either types.str (types.submodule { options.k = od types.int 1; })); } { x.k = 2; } ];
    drvT = (ev [ { options.x = o types.package; } { x = { type = "derivation"; name = "n"; outPath = "/x"; }; } ]).x.name;
    subImports = ev [ { options.x = o (types.submoduleWith { modules = [ { options.k = od types.int 0; } ]; }); } { x = { imports = [ { k = 7; } ]; }; } ];
    freeNested = ev [ { config._module.freeformType = types.attrsOf types.anything; options.a.k = od types.int 0; } { a.z = 1; } { a.y.q = 2; b = [ 1 ]; } ];
    freeWins = ev [ { freeformType = types.attrsOf types.int; options.k = od types.str "s"; } { z = mkDefault 1; } { z = 2; } ];
    freeIf = ev [ { freeformType = types.attrsOf types.int; options.k = od types.str "s"; } { z = mkIf false 1; y = mkIf true 1; } ];
    freeInSub = ev [ { options.x = o (types.attrsOf (types.submodule { freeformType = types.attrsOf types.str; options.k = od types.int 1; })); } { x.a.q = "1"; x.b = { k = 2; r = "2"; }; } ];
    args = ev [ { options.x = o types.int; config._module.args.foo = 12; } ({ foo, ... }: { x = foo; }) ];
    argsOfConfig = ev [ ({ config, ... }: { options.x = o types.int; options.y = od types.int 3; config._module.args.foo = config.y + 1; }) ({ foo, ... }: { x = foo; }) ];
    noCheck = ev [ { options.x = od types.int 1; config._module.check = false; } { nothing = 3; } ];
    deferred = (ev [ { options.m = o types.deferredModule; options.r = o types.int; } ({ config, ... }: { m = { options.z = od types.int 4; }; r = (evalModules { modules = [ config.m { z = 5; } ]; }).config.z; }) ]).r;
    topIf = ev [ { options.x = od types.int 1; } (mkIf true { x = 2; }) ];
    fnIf = ev [ { options.x = od types.int 1; options.on = od types.bool true; } ({ config, ... }: mkIf config.on { x = 2; }) ];
    noType = ev [ { options.x = mkOption { }; } { x = 3; } ];
    defaultText = ev [ { options.x = mkOption { type = types.int; default = 3; defaultText = "three"; example = 4; description = "x"; internal = true; visible = false; }; } ];
    applyAfterMerge = ev [ { options.x = mkOption { type = types.listOf types.int; apply = builtins.length; }; } { x = [ 1 2 3 ]; } ];
    nestedSub = ev [ { options.a = o (types.attrsOf (types.submodule { options.b = od (types.listOf (types.submodule ({ config, ... }: { options.c = od types.int 1; options.d = od types.int (config.c + 1); }))) [ ]; })); } { a.x.b = [ { c = 5; } { } ]; } ];
    subDefault = ev [ { options.x = od (types.attrsOf (types.submodule { options.k = od types.int 0; })) { q.k = 1; }; } ];
    subPriority = ev [ { options.x = o (types.submodule { options.k = od types.int 0; }); } { x.k = mkForce 1; } { x.k = 2; } ];
    subForceWhole = ev [ { options.x = o (types.submodule { options.k = od types.int 0; options.j = od types.int 0; }); } { x = mkForce { k = 1; }; } { x = { k = 2; j = 3; }; } ];
    lazyIf = (ev [ { options.x = o (types.lazyAttrsOf types.int); } { x.a = mkIf true 1; x.b = 2; } ]).x.a;
    nullEqual = ev [ { options.x = o (types.nullOr types.str); } { x = null; } { x = null; } ];
    pathValue = (ev [ { options.x = o types.path; } { x = ./values.nix; } ]).x == ./values.nix;
    importPath = ev [ { options.x = o types.int; } ./module.nix ];
    importTwice = ev [ { options.x = o types.int; options.l = od (types.listOf types.int) [ ]; } ./module.nix { imports = [ ./module.nix ]; } ];
    disabledPath = ev [ { options.x = od types.int 1; } ./module.nix { disabledModules = [ ./module.nix ]; } ];
    emptyModules = ev [ ];
    emptyConfig = ev [ { options.a.b.c = od types.int 1; } { config = { }; } { a = { }; } ];
    optionsSeen = ev [ { options.x = od types.int 1; options.n = o (types.listOf types.str); } ({ options, ... }: { n = builtins.filter (n: n != "_module") (builtins.attrNames options); }) ];
    hasOption = ev [ { options.x = od types.int 1; options.y = od types.bool false; } ({ options, lib, ... }: { y = options ? x && !(options ? z); }) ];

    # Corners, one after the other.
    corners = [
      (ev [ { options.x = od (types.attrsOf types.anything) {}; } { x.a = mkMerge [ { b = 1; } { c = mkIf true 2; } ]; } ])
      (ev [ { options.x = od (types.listOf types.anything) []; } { x = [ { a = mkIf true 1; } ]; } ])
      (try (ev [ { options.x = o types.int; } { x = mkIf false 3; } ]))
      (ev [ { options.x = o (types.nullOr (types.listOf types.int)); } { x = null; } ])
      (try (ev [ { options.x = o (types.listOf types.int); } { options.x = o (types.listOf types.str); } ]))
      (ev [ { options.x = o (types.listOf types.int); } { options.x = o (types.listOf types.int); } {x=[1];} ])
      (ev [ { options.x = o (types.either types.int (types.listOf types.int)); } {x=[1];} ])
      (try (ev [ { options.x = o (types.either types.int (types.listOf types.int)); } {x=[1];} {x=2;} ]))
      (ev [ { options.x = o (types.submodule ({config,...}: { options.y = od types.int 2; options.z = od types.int (config.y*2); })); } ({config,...}: { x.y = 4; }) ])
      (ev [ { options.x = o (types.attrsOf (types.submodule { options.y = od types.int 2; })); } { x = mkMerge [ { a.y = 1; } (mkIf true { b = {}; }) (mkIf false { c = {}; }) ]; } ])
      (ev [ { options.x = o (types.attrsOf (types.submodule { options.y = od types.int 2; })); } { x.a = mkIf false { y = 3; }; x.b = mkIf true { y = 4; }; } ])
      (ev [ { options.x = o (types.attrsOf (types.submodule { options.y = od types.int 2; })); } { x.a = mkForce { y = 3; }; } { x.a.y = 5; } ])
      (ev [ { options.x = od types.str "a"; } { x = mkDefault "b"; } { x = mkOverride 900 "c"; } ])
      (try (ev [ { options.x = o types.str; } { x = mkDefault "b"; } { x = mkDefault "c"; } ]))
      (ev [ { options.x = od types.bool false; } { x = true; } { x = true; } ])
      (try (ev [ { options.x = od types.bool false; } { x = true; } { x = false; } ]))
      (ev [ { options.x = od (types.attrsOf types.str) { a = "d"; }; } { x.b = "e"; } ])
      (ev [ { options.x = od (types.attrsOf types.str) { a = "d"; }; } { x = mkDefault { b = "e"; }; } ])
      (ev [ { options.x.y = od types.int 1; } ({config, ...}: { config = { x.y = if config ? x then 3 else 4; }; }) ])
      (try (ev [ { options.x = o types.int; imports = [ { config = { x = 1; y = 2; }; } ]; } ]))
      (ev [ { options.x = o types.path; } { x = "/foo/../bar"; } ])
      (try (ev [ { options.x = o types.package; } { x = "str"; } ]))
      ((evalModules { modules = [ { options.x = mkOption { type = types.int; default = 3; description = "D"; example = 4; }; } ]; }).options.x.description)
      (let e = evalModules { modules = [ { options.x = od types.int 3; } { x = mkForce 4; } ]; }; in [ e.options.x.value e.options.x.default e.options.x.highestPrio (e.options.x ? definitions) (builtins.length e.options.x.declarations) ])
      (ev [ { options.x = o (types.listOf (types.nullOr types.int)); } { x = [ null 1 ]; } ])
      ((ev [ { options.x = o (types.lazyAttrsOf (types.nullOr types.int)); } { x = { a = mkIf false 1; b = 2; }; } ]))
      (try ((ev [ { options.x = o (types.lazyAttrsOf types.int); } { x = { a = mkIf false 1; b = 2; }; } ]).x.a))
      (ev [ { options.x = o (types.coercedTo (types.listOf types.str) (builtins.concatStringsSep ",") types.str); } { x = [ "a" "b" ]; } ])
      (try (ev [ { options.x = o (types.coercedTo types.str (s: s + "!") types.str); } { x = "a"; } ]))
      (ev [ { options.x = o (types.addCheck (types.listOf types.int) (l: builtins.length l < 3)); } { x = [1]; } { x = [1]; } ])
      (ev [ { options.x = o (types.uniq (types.listOf types.int)); } { x = [ 1 2 ]; } ])
      (try (ev [ { options.x = o (types.uniq types.int); } { x = 1; } { x = 1; } ]))
      (ev [ { options.x = o types.raw; } { x = [ 1 ]; } ])
      (try (ev [ { options.x = o types.raw; } { x = 1; } { x = 1; } ]))
      (ev [ { options.x = o types.anything; } { x = 1; } { x = 1; } ])
      (try (ev [ { options.x = o types.anything; } { x = 1; } { x = 2; } ]))
      (try (ev [ { options.x = o types.anything; } { x = { a = 1; }; } { x = 2; } ]))
      (ev [ { options.x = o types.attrs; } { x = { a = 1; }; } { x = { b = 2; }; } ])
      (ev [ { options.x = o (types.attrsOf (types.attrsOf types.int)); } { x.a.b = 1; } { x.a.c = 2; x.d = {}; } ])
      (try (ev [ { options.x = o (types.enum [ 1 2 "a" null ]); } { x = null; } ]))
      ((evalModules { modules = [ ({ myLib, ... }: { options.x = od types.int myLib; }) ]; specialArgs.myLib = 4; }).config)
      (ev [ ({ lib, ... }@args: { options.n = o (types.listOf types.str); config.n = builtins.filter (n: builtins.elem n [ "lib" "config" "options" ]) (builtins.attrNames args); }) ])
      (ev [ { options.x = o (types.submodule [ { options.a = od types.int 1; } { options.b = od types.int 2; } ]); } ])
      (ev [ { options.x = o (types.submodule { imports = [ { options.a = od types.int 1; } ]; options.b = od types.int 2; }); } { x = { a = 3; }; } ])
      (ev [ { options.x = mkOption { type = types.submodule { options.b = od types.int 2; }; default = { b = 4; }; }; } { x = {}; } ])
      (ev [ { options.x = mkOption { type = types.listOf (types.submodule { options.b = od types.int 2; }); apply = map (v: v.b); default = []; }; } { x = [ {} { b = 5; } ]; } ])
      (try (ev [ { options.x = o types.ints.u16; } { x = -1; } ]))
      (ev [ { options.a.enable = lib.mkEnableOption "a"; options.a.v = od types.int 1; } ({config,...}: mkIf config.a.enable { a.v = 2; }) { a.enable = mkDefault true; } ])
      (ev [ { options.x = od types.int 1; } ({ config, ... }: { imports = [ { x = 3; } ]; }) ])
      (ev [ { options.a = od types.int 1; options.b = od types.int 1; } { config = mkMerge [ (mkIf true (mkMerge [ { a = 2; } { b = 3; } ])) ]; } ])
      (ev [ { options.a.b = od types.int 1; } { a = mkMerge [ (mkIf true { b = mkDefault 4; }) ]; } ])
      (try (ev [ { options.a = o types.float; } { a = 1; } ]))
      (try (ev [ { options.a = o types.number; } { a = "1"; } ]))
      (try (ev [ { options.a = o types.singleLineStr; } { a = "a\n"; } ]))
      (try (ev [ { options.a = o types.nonEmptyStr; } { a = ""; } ]))
      (try (ev [ { options.a = o (types.nonEmptyListOf types.int); } ]))
      (try (ev [ { options.a = o types.str; } { a = ./x; } ]))
      (try (ev [ { options.a = o types.bool; options.b = o types.bool; } { a = true; } ]))
      (ev [ { options.a = mkOption { type = types.bool; apply = b: if b then "yes" else "no"; default = true; }; } ])
      ((ev [ (lib.mkAliasOptionModule [ "old" ] [ "new" "a" ]) { options.new.a = od types.int 7; } ]).old)
      ((ev [ (lib.mkAliasOptionModule [ "old" ] [ "new" ]) { options.new = o (types.submodule { options.q = od types.int 1; }); } { old.q = 4; } ]).new)
      (ev [ { freeformType = types.attrsOf types.int; } { a = 1; } { a = mkForce 2; } ])
      (ev [ { freeformType = types.attrs; options.b.c = od types.int 1; } { b.d = 1; e = 2; } ])
      (try (ev [ { freeformType = types.attrsOf types.int; } { a = "x"; } ]))
      (ev [ { config._module.check = false; options.a = od types.int 1; } { zzz.y = 1; } ])
      ((evalModules { modules = [ { options.a = od types.int 1; } ]; class = "foo"; }).config)
      (try (evalModules { modules = [ { _class = "bar"; options.a = od types.int 1; } ]; class = "foo"; }).config)
      (ev [ { options.a = o (types.attrTag { x = o types.int; y = mkOption { type = types.submodule { options.z = od types.int 3; }; }; }); } { a.y = {}; } ])
      ((types.listOf types.int).check [ "a" ])
      ((types.attrsOf types.int).check { })
      ((types.nullOr types.int).check null)
      ((types.ints.between 1 3).check 4)
      ((types.either types.int types.str).check 1.5)
      (lib.isOption (mkOption {}))
      ([ types.int.name types.str.name types.bool.name (types.listOf types.int).name (types.attrsOf types.int).name (types.nullOr types.int).name (types.enum ["a"]).name (types.submodule {}).name types.lines.name types.path.name ])
    ];
  };

  ours = {
    # Definitions are merged in the order of the modules, those of imports before the importing module.
    order = ev [ { options.x = o (types.listOf types.int); } { imports = [ { x = [ 0 ]; } ]; config.x = [ 1 ]; } { x = [ 2 ]; } ];
    orderLines = ev [ { options.x = o types.lines; } { x = "a"; } { x = "b"; } { x = mkBefore "0"; } ];
    orderAnything = ev [ { options.x = o types.anything; } { x = [ 1 ]; } { x = [ 2 ]; } ];
    # What a property makes of definitions may be a module.
    topMerge = ev [ { options.x = od types.int 1; options.y = od types.int 1; } (mkMerge [ { x = 2; } (mkIf true { y = 3; }) ]) ];
    # An argument of a module may have a default.
    argsDefault = ev [ { options.x = o types.int; } ({ foo ? 5, ... }: { x = foo; }) ];
    # Order and priority may be wrapped either way round.
    orderOfPriority = ev [ { options.x = o (types.listOf types.int); } { x = mkBefore (mkForce [ 1 ]); } { x = [ 2 ]; } ];
    checked = lib.checked (evalModules { modules = [ lib.assertionsModule { assertions = [ { assertion = true; message = "fine"; } ]; } ]; }) 3;
    docs = map (it: removeAttrs it [ "declarations" "value" "definitions" ]) (lib.optionDocs (evalModules { modules = [ { options.b = mkOption { type = types.listOf (types.submodule { options.c = od types.int 1; }); description = "B."; example = [ ]; }; options.a = mkOption { visible = false; }; } ]; }).options);
  };
}
