# A module system in small: 500 options in 50 modules, types, priorities, conditions, merged and forced.
let
  inherit (builtins)
    all
    attrNames
    concatLists
    concatMap
    concatStringsSep
    filter
    foldl'
    genList
    head
    isAttrs
    isBool
    isFunction
    isInt
    isList
    isString
    length
    listToAttrs
    toString
    ;
  types = {
    int = {
      name = "int";
      check = isInt;
      merge = _: defs: head defs;
    };
    bool = {
      name = "bool";
      check = isBool;
      merge = _: defs: foldl' (a: b: a || b) false defs;
    };
    str = {
      name = "str";
      check = isString;
      merge = _: defs: concatStringsSep "," defs;
    };
    listOf = t: {
      name = "listOf ${t.name}";
      check = v: isList v && all t.check v;
      merge = _: concatLists;
    };
    attrsOf = t: {
      name = "attrsOf ${t.name}";
      check = isAttrs;
      merge = _: defs: foldl' (a: b: a // b) { } defs;
    };
  };
  mkOption = args: { _type = "option"; } // args;
  mkIf = condition: content: {
    _type = "if";
    inherit condition content;
  };
  mkForce = content: {
    _type = "override";
    priority = 50;
    inherit content;
  };
  mkDefault = content: {
    _type = "override";
    priority = 1000;
    inherit content;
  };
  typed = v: isAttrs v && v ? _type;
  discharge =
    v: if typed v && v._type == "if" then (if v.condition then discharge v.content else [ ]) else [ v ];
  priorityOf = v: if typed v && v._type == "override" then v.priority else 100;
  strip = v: if typed v && v._type == "override" then v.content else v;
  mergeOption =
    path: option: defs:
    let
      raw = concatMap (d: discharge d.value) defs;
      best = foldl' (
        p: v:
        let
          q = priorityOf v;
        in
        if q < p then q else p
      ) 9999 raw;
      values = map strip (filter (v: priorityOf v == best) raw);
      bad = filter (v: !(option.type.check v)) values;
    in
    if bad != [ ] then
      throw "option ${concatStringsSep "." path} has a value of the wrong type"
    else if values == [ ] then
      option.default or (throw "option ${concatStringsSep "." path} is not set")
    else
      option.type.merge path values;
  mergeTree =
    path: decls: defs:
    let
      names = attrNames (foldl' (a: d: a // d) { } decls);
      one =
        name:
        let
          here = concatMap (d: if d ? ${name} then [ d.${name} ] else [ ]) decls;
          set = concatMap (
            d:
            if d.value ? ${name} then
              [
                {
                  inherit (d) file;
                  value = d.value.${name};
                }
              ]
            else
              [ ]
          ) defs;
          first = head here;
        in
        if first._type or "" == "option" then
          mergeOption (path ++ [ name ]) first set
        else
          mergeTree (path ++ [ name ]) here set;
    in
    listToAttrs (
      map (name: {
        inherit name;
        value = one name;
      }) names
    );
  evalModules =
    modules:
    let
      called = map (m: if isFunction m then m { inherit config; } else m) modules;
      config = mergeTree [ ] (map (m: m.options or { }) called) (
        map (m: {
          file = m.file or "?";
          value = m.config or { };
        }) called
      );
    in
    config;
  module = i: { config, ... }: {
    file = "module-${toString i}.nix";
    options.services."s${toString i}" = {
      enable = mkOption {
        type = types.bool;
        default = false;
      };
      port = mkOption {
        type = types.int;
        default = 80;
      };
      name = mkOption { type = types.str; };
      user = mkOption {
        type = types.str;
        default = "nobody";
      };
      flags = mkOption {
        type = types.listOf types.str;
        default = [ ];
      };
      env = mkOption {
        type = types.attrsOf types.str;
        default = { };
      };
      limits.open = mkOption {
        type = types.int;
        default = 1024;
      };
      limits.procs = mkOption { type = types.int; };
      after = mkOption {
        type = types.listOf types.str;
        default = [ ];
      };
      weight = mkOption {
        type = types.int;
        default = 1;
      };
    };
    config.services."s${toString i}" = {
      enable = mkIf (i > 3) true;
      port = mkDefault (8000 + i);
      name = "service ${toString i}";
      user = if i > 0 then config.services."s${toString (i - 1)}".name else "root";
      flags = mkIf config.services."s${toString i}".enable [
        "--port"
        (toString config.services."s${toString i}".port)
      ];
      env = {
        HOME = "/var/s${toString i}";
      };
      limits.procs = config.services."s${toString i}".limits.open / 2;
    };
  };
  overrides = { config, ... }: {
    config.services = listToAttrs (
      genList (i: {
        name = "s${toString (i * 2)}";
        value = {
          port = mkForce (9000 + i);
          flags = [ "--extra" ];
          env.EXTRA = "1";
          after = [ "network" ];
        };
      }) 25
    );
  };
  config = evalModules (genList module 50 ++ [ overrides ]);
in
[
  (length (attrNames config.services))
  config.services.s49
  (builtins.stringLength (builtins.toJSON config))
]
