# Evaluates modules: options declared, definitions merged, `config` and `options` returned.
# Called as `lib.evalModules`, by modules/default.nix and by submodules. Invariant: no option's value is needed to
# know which options and definitions there are, except by modules whose `imports` or conditions ask for it.
{
  util,
  errors,
  properties,
  merge,
  types,
  optionLib,
  collect,
  self,
}:
let
  inherit (util)
    attrNames
    concatMap
    filter
    head
    isAttrs
    mapAttrs
    tail
    zipAttrsWith
    ;

  inherit (errors) fail named place;

  inherit (optionLib) isOption mkOption;

  # Options that every configuration has.
  internal = {
    key = "<modules/lib>";
    _file = "<modules/lib>";
    options._module = {
      args = mkOption {
        type = types.lazyAttrsOf types.raw;
        default = { };
        internal = true;
        description = "Further arguments of every module.";
      };
      check = mkOption {
        type = types.bool;
        default = true;
        internal = true;
        description = "Whether a definition without an option is an error.";
      };
      freeformType = mkOption {
        type = types.nullOr types.optionType;
        default = null;
        internal = true;
        description = "The type of everything that no option declares, or null.";
      };
      specialArgs = mkOption {
        type = types.raw;
        default = { };
        readOnly = true;
        internal = true;
        description = "Arguments that `imports` may depend on.";
      };
    };
  };

  # One declaration of several of the same option: their types combined, the rest named once.
  combineDeclarations =
    loc: decls:
    let
      first = (head decls).option;
      merged =
        builtins.foldl'
          (
            whole: decl:
            let
              next = decl.option;
              twice = filter (name: next ? ${name} && whole.option ? ${name}) [
                "default"
                "example"
                "description"
                "apply"
              ];
              both =
                if !(whole.option ? type) then
                  next.type or types.unspecified
                else if !(next ? type) then
                  whole.option.type
                else
                  whole.option.type.combine next.type;
              again =
                what:
                fail {
                  message = "${named loc} is declared twice, ${what}";
                  at = [
                    (place "declared here" decl)
                    (place "and here" whole.first)
                  ];
                };
            in
            if twice != [ ] then
              again "each time with `${head twice}`"
            else if both == null then
              again "as ${whole.option.type.description} and as ${next.type.description}"
            else
              whole // { option = whole.option // next // { type = both; }; }
          )
          {
            first = head decls;
            option = first;
          }
          (tail decls);
    in
    {
      type = types.unspecified;
    }
    // merged.option
    // {
      inherit loc;
      declarations = map (decl: decl.file) decls;
      declarationPositions = map (decl: decl.pos) decls;
    };

  # The option with its value. `around` are the definitions of the submodule that it is in.
  evalOption =
    around: loc: option: defs:
    let
      declared = {
        file = head option.declarations;
        pos = head option.declarationPositions;
      };
      type =
        if types.isType option.type then
          option.type
        else
          fail {
            message = "the type of ${named loc} is ${util.showValue option.type}, not a type such as `lib.types.str`";
            at = [ (place "declared here" declared) ];
          };
      all =
        (
          if option ? default then
            [ (declared // { value = properties.mkOptionDefault option.default; }) ]
          else
            [ ]
        )
        ++ defs;
      # The default is one of the definitions only if nothing else is.
      merged = merge.mergeDefinitions loc type all;
      value =
        if option.readOnly or false && builtins.length all > 1 then
          fail {
            message = "${named loc} is read-only, and ${
              if option ? default then "has its value already" else "set ${toString (builtins.length defs)} times"
            }";
            at = map (place "set here") defs ++ [ (place "declared here" declared) ];
          }
        else if merged.isDefined || type.emptyValue ? value then
          merged.value
        else
          fail {
            message = "${named loc} is used, and nothing sets it";
            at = map (place "it is missing here") (filter (def: def.pos != null) around) ++ [
              (place "declared here" declared)
            ];
            help = "set it to ${type.description} in the profile or in a module, or give it a default";
          };
    in
    option
    // {
      inherit type;
      value = if option ? apply && option.apply != null then option.apply value else value;
      inherit (merged) isDefined;
      highestPrio = merged.priority;
      definitions = map (def: def.value) merged.defs;
      files = map (def: def.file) merged.defs;
      definitionsWithLocations = merged.defs;
      __toString = _: util.showOption loc;
    };

  # Declarations and definitions below one path: { options; config; unmatched; }.
  tree =
    around: loc: decls: defs:
    let
      declsByName = zipAttrsWith (_: all: all) (
        map (
          decl:
          if isAttrs decl.option then
            mapAttrs (name: option: {
              inherit (decl) file;
              pos = builtins.unsafeGetAttrPos name decl.option;
              inherit option;
            }) decl.option
          else
            fail {
              message = "${
                if loc == [ ] then "a module's `options`" else "the options under ${named loc}"
              } must be a set, and this is ${util.showValue decl.option}";
              at = [ (place "declared here" decl) ];
              help = "a value goes into `config`; an option is made by `lib.mkOption`";
            }
        ) decls
      );

      defsByName = zipAttrsWith (_: all: all) (
        map (
          def:
          mapAttrs (name: value: {
            inherit (def) file;
            pos = builtins.unsafeGetAttrPos name def.attrs;
            value = def.wrap value;
          }) def.attrs
        ) defs
      );

      results = mapAttrs (
        name: here:
        let
          at = loc ++ [ name ];
          given = defsByName.${name} or [ ];
          leaves = filter (decl: isOption decl.option) here;
          inside = filter (decl: !isOption decl.option) here;
        in
        if leaves == [ ] then
          tree around at here (concatMap (properties.pushDown at) given)
        else if builtins.length leaves == builtins.length here then
          leaf around at (combineDeclarations at here) given
        else if builtins.all (decl: decl.option.type.name or null == "submodule") leaves then
          leaf around at (combineDeclarations at (map asSubmodule here)) given
        else
          fail {
            message = "${named at} is an option, and ${
              named (at ++ [ (head (attrNames (head inside).option)) ])
            } is declared inside it";
            at = [
              (place "the option" (head leaves))
              (place "the options inside" (head inside))
            ];
            help = "give the outer one the type `submodule`, or another name";
          }
      ) declsByName;
    in
    {
      options = mapAttrs (_: result: result.options) results;
      config = mapAttrs (_: result: result.config) results;
      unmatched =
        if defs == [ ] then
          [ ]
        else
          concatMap (
            name:
            if results ? ${name} then
              results.${name}.unmatched
            else
              map (
                def:
                def
                // {
                  inherit loc name;
                  known = filter (name: name != "_module") (attrNames declsByName);
                }
              ) defsByName.${name}
          ) (attrNames defsByName);
    };

  # Options beside a submodule of the same name are options of that submodule.
  asSubmodule =
    decl:
    if isOption decl.option then
      decl
    else
      decl
      // {
        option = mkOption {
          type = types.submodule {
            _file = decl.file;
            options = decl.option;
          };
        };
      };

  leaf =
    around: loc: option: defs:
    let
      evaluated = evalOption around loc option defs;
    in
    {
      options = evaluated;
      config = evaluated.value;
      unmatched = [ ];
    };

  # Definitions that no option is there for. `options` are those there are.
  unknown =
    options: unmatched:
    let
      first = head unmatched;
      same = filter (def: def.loc == first.loc && def.name == first.name) unmatched;
      others = builtins.length unmatched - builtins.length same;
      beside = errors.similarNames first.name first.known;
      full = map (name: util.showOption (first.loc ++ [ name ])) beside;
      # The right name in the wrong place.
      elsewhere = filter (option: util.last option.loc == first.name) (leaves options);
      near = errors.orList (if full == [ ] then map toString elsewhere else full);
      under = if first.loc == [ ] then "options" else "options under ${named first.loc}";
    in
    fail {
      message = "there is no option ${named (first.loc ++ [ first.name ])}${
        if others == 0 then "" else " (and ${toString others} more such)"
      }";
      at = map (place "set here") same;
      help =
        if near != null then
          near
        else if first.known == [ ] then
          "there are no ${under}"
        else
          "${under}: ${builtins.concatStringsSep ", " (util.firstOf 12 first.known)}";
    };

  leaves =
    options:
    concatMap (
      name:
      if name == "_module" then
        [ ]
      else if isOption options.${name} then
        [ options.${name} ]
      else
        leaves options.${name}
    ) (attrNames options);

  # { modules; specialArgs ? { }; prefix ? [ ]; class ? null; } -> { config; options; … }.
  # `around` is for submodules: the definitions that were given to one.
  evalModules =
    {
      modules,
      specialArgs ? { },
      prefix ? [ ],
      class ? null,
      around ? [ ],
    }@given:
    let
      args = {
        lib = self;
        inherit (whole) options config;
      }
      // specialArgs;

      collected = collect {
        modules = [ internal ] ++ modules ++ [ { _module.specialArgs = specialArgs; } ];
        inherit args class;
        inherit (whole) config;
      };

      merged =
        tree around prefix
          (map (module: {
            inherit (module) file;
            pos = null;
            option = module.options;
          }) collected)
          (
            concatMap (
              module:
              concatMap (
                config:
                properties.pushDown prefix {
                  inherit (module) file;
                  pos = null;
                  value = config;
                }
              ) module.configs
            ) collected
          );

      whole = {
        inherit (merged) options;
        config =
          let
            inherit (merged.config._module) freeformType;
            free = freeformType.merge prefix (
              map (def: {
                inherit (def) file pos;
                value = util.setAttrByPath (dropFirst (builtins.length prefix) def.loc ++ [ def.name ]) def.value;
              }) merged.unmatched
            );
          in
          if freeformType == null then
            merged.config
          else if merged.unmatched == [ ] then
            freeformType.emptyValue.value or { } // merged.config
          else
            util.recursiveUpdate free merged.config;
      };

      checked =
        if
          whole.config._module.check && whole.config._module.freeformType == null && merged.unmatched != [ ]
        then
          unknown merged.options merged.unmatched
        else
          null;

      extendModules =
        {
          modules ? [ ],
          specialArgs ? { },
          prefix ? given.prefix or [ ],
        }:
        evalModules (
          given
          // {
            modules = given.modules ++ modules;
            specialArgs = given.specialArgs or { } // specialArgs;
            inherit prefix;
          }
        );
    in
    {
      _type = "configuration";
      options = builtins.seq checked whole.options;
      config = builtins.seq checked (removeAttrs whole.config [ "_module" ]);
      inherit (whole.config) _module;
      inherit extendModules class;
      type = types.submoduleWith {
        inherit specialArgs class;
        modules = given.modules;
      };
    };

  dropFirst = n: list: builtins.genList (i: builtins.elemAt list (n + i)) (builtins.length list - n);
in
{
  inherit evalModules;
}
