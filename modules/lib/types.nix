# The types of options. A type is a set made by `mkOptionType`; users of nixpkgs know the names.
# Used by modules as `lib.types`. Invariant: `check` looks at the outermost value only, `merge` at the rest.
{
  util,
  errors,
  merge,
  evalModules,
}:
let
  inherit (util)
    all
    any
    concatMap
    concatStringsSep
    elem
    filter
    foldl'
    head
    isAttrs
    isBool
    isFloat
    isInt
    isList
    isPath
    isString
    length
    mapAttrs
    tail
    ;

  inherit (errors) fail named place;

  inherit (merge) mergeDefinitions mergeEqual mergeOne;
in
rec {
  # Makes a type. `check` value -> bool; `merge` loc defs -> value; `description` follows "must be".
  # `explain` and `help` add to the message for a value that `check` refuses. `nested` are the types
  # inside, `subOptions` prefix -> options of a submodule, `combine` the same type declared once more.
  mkOptionType =
    {
      name,
      description,
      check ? (_: true),
      merge ? mergeEqual,
      emptyValue ? { },
      explain ? (_: ""),
      help ? (_: null),
      nested ? { },
      getSubOptions ? (_prefix: { }),
      getSubModules ? null,
      combine ? (
        other: if other.name == name && nested == { } && !(other ? payload) then other else null
      ),
      ...
    }@args:
    {
      _type = "option-type";
      inherit
        name
        description
        check
        merge
        emptyValue
        explain
        help
        nested
        getSubOptions
        getSubModules
        combine
        ;
      nestedTypes = nested;
    }
    // (if args ? payload then { inherit (args) payload; } else { });

  isType = value: isAttrs value && value._type or null == "option-type";

  # A type that wraps one other.
  wrapping =
    name: make: elem: args:
    mkOptionType (
      {
        inherit name;
        nested = {
          inherit elem;
        };
        combine =
          other:
          let
            both = elem.combine other.nested.elem;
          in
          if other.name != name || both == null then null else make both;
      }
      // args
    );

  raw = mkOptionType {
    name = "raw";
    description = "a value that is not looked into";
    merge = mergeOne;
  };

  unspecified = mkOptionType {
    name = "unspecified";
    description = "a value";
    merge = merge.mergeAnything;
  };

  anything = mkOptionType {
    name = "anything";
    description = "a value";
    merge = merge.mergeAnything;
  };

  bool = mkOptionType {
    name = "bool";
    description = "a boolean";
    check = isBool;
    help = value: if value == "true" || value == "false" then "write ${value} without quotes" else null;
  };

  # Quotes round a number are the usual mistake.
  numberHelp =
    value:
    if isString value && builtins.match "-?[0-9]+(\\.[0-9]+)?" value != null then
      "write ${value} without quotes"
    else
      null;

  int = mkOptionType {
    name = "int";
    description = "an integer";
    check = isInt;
    help = numberHelp;
  };

  float = mkOptionType {
    name = "float";
    description = "a number with a fraction";
    check = isFloat;
    help = numberHelp;
  };

  isNumber = value: isInt value || isFloat value;

  number = mkOptionType {
    name = "number";
    description = "a number";
    check = isNumber;
    help = numberHelp;
  };

  inRange =
    name: base: low: high: what:
    mkOptionType {
      inherit name;
      description = what;
      check = value: base value && (low == null || value >= low) && (high == null || value <= high);
      help = numberHelp;
      payload = { inherit low high; };
      combine =
        other: if other.name == name && other.payload or null == { inherit low high; } then other else null;
    };

  ints = rec {
    between =
      low: high:
      if low > high then
        throw "types.ints.between: ${toString low} is above ${toString high}"
      else
        ranged "intBetween" low high "an integer from ${toString low} to ${toString high}";
    unsigned = ranged "unsignedInt" 0 null "an integer that is not negative";
    positive = ranged "positiveInt" 1 null "an integer above zero";
    u8 = between 0 255;
    u16 = between 0 65535;
    u32 = between 0 4294967295;
    s8 = between (-128) 127;
    s16 = between (-32768) 32767;
    s32 = between (-2147483648) 2147483647;
  };

  ranged = name: inRange name isInt;

  port = ints.u16;

  numbers = {
    between =
      low: high:
      if low > high then
        throw "types.numbers.between: ${toString low} is above ${toString high}"
      else
        inRange "numberBetween" isNumber low high "a number from ${toString low} to ${toString high}";
    nonnegative = inRange "numberNonnegative" isNumber 0 null "a number that is not negative";
    positive = mkOptionType {
      name = "numberPositive";
      description = "a number above zero";
      check = value: isNumber value && value > 0;
      help = numberHelp;
    };
  };

  str = mkOptionType {
    name = "str";
    description = "a string";
    check = isString;
    help =
      value:
      if isInt value || isFloat value then
        "write it in quotes: ${builtins.toJSON (builtins.toJSON value)}"
      else
        null;
  };

  nonEmptyStr = mkOptionType {
    name = "nonEmptyStr";
    description = "a string that is not empty or blank";
    check = value: isString value && builtins.match "[ \t\n\r]*" value == null;
  };

  singleLineStr = mkOptionType {
    name = "singleLineStr";
    description = "a string of one line";
    check = value: isString value && builtins.match "[^\n\r]*\n?" value != null;
    merge = loc: defs: builtins.replaceStrings [ "\n" ] [ "" ] (mergeEqual loc defs);
  };

  strMatching =
    pattern:
    mkOptionType {
      name = "strMatching";
      description = "a string that matches ${
        builtins.replaceStrings [ "\n" "\r" "\t" ] [ "\\n" "\\r" "\\t" ] pattern
      }";
      check = value: isString value && builtins.match pattern value != null;
      payload = { inherit pattern; };
      combine =
        other: if other.name == "strMatching" && other.payload.pattern == pattern then other else null;
    };

  separatedString =
    separator:
    mkOptionType {
      name = "separatedString";
      description =
        if separator == "" || separator == "\n" then
          "a string"
        else
          "a string of parts joined by ${builtins.toJSON separator}";
      check = isString;
      merge = merge.mergeConcat separator;
      payload = { inherit separator; };
      combine =
        other:
        if other.name == "separatedString" && other.payload.separator == separator then other else null;
    };

  lines = separatedString "\n";
  commas = separatedString ",";
  envVar = separatedString ":";
  string = separatedString "";

  enum =
    values:
    let
      show = value: if isString value then builtins.toJSON value else util.showValue value;
      words = filter isString values;
    in
    mkOptionType {
      name = "enum";
      description =
        if values == [ ] then
          "one of no values at all"
        else if tail values == [ ] then
          "${show (head values)}, the only choice"
        else
          "one of ${concatStringsSep ", " (map show values)}";
      check = value: elem value values;
      help = value: if isString value then errors.didYouMean value words else null;
      payload = { inherit values; };
      combine =
        other:
        if other.name == "enum" then
          enum (values ++ filter (value: !elem value values) other.payload.values)
        else
          null;
    };

  # A path of the language, or a string or derivation that stands for an absolute one.
  path = mkOptionType {
    name = "path";
    description = "an absolute path";
    check =
      value:
      isPath value
      || (isString value && builtins.substring 0 1 value == "/")
      || (isAttrs value && value ? outPath);
  };

  package = mkOptionType {
    name = "package";
    description = "a package";
    check = value: isAttrs value && value.type or null == "derivation";
    merge = mergeOne;
  };

  listOf =
    elem:
    wrapping "listOf" listOf elem {
      description = "a list of ${plural elem}";
      check = isList;
      merge = merge.mergeListWith elem;
      emptyValue.value = [ ];
      getSubOptions = prefix: elem.getSubOptions (prefix ++ [ "<entry>" ]);
      inherit (elem) getSubModules;
      help = value: if elem.check value then "put it into brackets: [ … ]" else null;
    };

  nonEmptyListOf =
    elem:
    let
      list = listOf elem;
    in
    list
    // {
      name = "nonEmptyListOf";
      description = "a list that is not empty, of ${plural elem}";
      check = value: isList value && value != [ ];
      emptyValue = { };
      combine =
        other:
        let
          both = elem.combine other.nested.elem;
        in
        if other.name != "nonEmptyListOf" || both == null then null else nonEmptyListOf both;
    };

  # "a string" -> "strings", as far as descriptions need it.
  plural =
    type:
    {
      str = "strings";
      int = "integers";
      bool = "booleans";
      package = "packages";
      path = "absolute paths";
      anything = "values";
      raw = "values";
      submodule = "sets of options";
    }
    .${type.name} or "entries, each ${type.description}";

  attrs = mkOptionType {
    name = "attrs";
    description = "a set";
    check = isAttrs;
    merge = _loc: defs: foldl' (whole: def: whole // def.value) { } defs;
    emptyValue.value = { };
  };

  attrsOf = attrsWith "attrsOf" attrsOf merge.mergeAttrsWith;

  # As attrsOf, but whether an attribute exists does not depend on conditions, which may then use its siblings.
  lazyAttrsOf = attrsWith "lazyAttrsOf" lazyAttrsOf merge.mergeAttrsLazily;

  attrsWith =
    name: make: mergeWith: elem:
    wrapping name make elem {
      description = "a set of ${plural elem}";
      check = isAttrs;
      merge = mergeWith elem;
      emptyValue.value = { };
      getSubOptions = prefix: elem.getSubOptions (prefix ++ [ "<name>" ]);
      inherit (elem) getSubModules;
    };

  # Only one definition, of any value of `elem`.
  uniq = unique { message = ""; };

  unique =
    { message }:
    elem:
    wrapping "unique" (unique { inherit message; }) elem {
      inherit (elem)
        description
        check
        emptyValue
        explain
        help
        getSubOptions
        getSubModules
        ;
      merge =
        loc: defs:
        if tail defs == [ ] then
          elem.merge loc defs
        else
          fail {
            message = "${named loc} may be set in one place only${
              if message == "" then "" else ": ${message}"
            }";
            at = map (place "set here") defs;
          };
    };

  nullOr =
    elem:
    wrapping "nullOr" nullOr elem {
      description = "null or ${elem.description}";
      check = value: value == null || elem.check value;
      inherit (elem)
        help
        explain
        getSubOptions
        getSubModules
        ;
      emptyValue.value = null;
      merge =
        loc: defs:
        let
          nulls = filter (def: def.value == null) defs;
        in
        if nulls == [ ] then
          elem.merge loc defs
        else if length nulls == length defs then
          null
        else
          merge.conflict loc defs;
    };

  functionTo =
    elem:
    wrapping "functionTo" functionTo elem {
      description = "a function that returns ${elem.description}";
      check = util.isCallable;
      merge =
        loc: defs: argument:
        (mergeDefinitions (loc ++ [ "<function body>" ]) elem (
          map (def: def // { value = def.value argument; }) defs
        )).value;
      getSubOptions = prefix: elem.getSubOptions (prefix ++ [ "<function body>" ]);
      inherit (elem) getSubModules;
    };

  either =
    left: right:
    mkOptionType {
      name = "either";
      description = "${left.description} or ${right.description}";
      check = value: left.check value || right.check value;
      help = value: if left.help value != null then left.help value else right.help value;
      nested = { inherit left right; };
      merge =
        loc: defs:
        let
          every = type: all (def: type.check def.value) defs;
        in
        if every left then
          left.merge loc defs
        else if every right then
          right.merge loc defs
        else
          merge.conflict loc defs;
      combine =
        other:
        let
          l = left.combine other.nested.left;
          r = right.combine other.nested.right;
        in
        if other.name != "either" || l == null || r == null then null else either l r;
    };

  oneOf =
    types:
    if types == [ ] then
      throw "types.oneOf needs at least one type"
    else
      foldl' either (head types) (tail types);

  # Values of `from` as well, which `convert` makes values of `to`.
  coercedTo =
    from: convert: to:
    mkOptionType {
      name = "coercedTo";
      description = "${to.description} or ${from.description}, which becomes one";
      check = value: (from.check value && to.check (convert value)) || to.check value;
      merge =
        loc: defs:
        to.merge loc (
          map (def: if from.check def.value then def // { value = convert def.value; } else def) defs
        );
      inherit (to)
        emptyValue
        help
        getSubOptions
        getSubModules
        ;
      nested = {
        inherit from to;
      };
      combine = _: null;
    };

  # `type` with one more condition.
  addCheck =
    type: check:
    type
    // {
      description = "${type.description} that meets a further condition";
      check = value: type.check value && check value;
    };

  # A set of options of its own: a module, a list of modules with submoduleWith.
  submodule =
    module:
    submoduleWith {
      modules = if isList module then module else [ module ];
      shorthandOnlyDefinesConfig = true;
    };

  submoduleWith =
    {
      modules,
      specialArgs ? { },
      # Whether a set is taken as definitions, also where it has `config` or `imports`.
      shorthandOnlyDefinesConfig ? false,
      description ? null,
      class ? null,
    }@args:
    let
      evaluate =
        loc: defs:
        evalModules {
          inherit specialArgs class;
          around = defs;
          prefix = loc;
          modules = [
            {
              _module.args.name = if loc == [ ] then "<name>" else util.last loc;
              _file = "<submodule>";
            }
          ]
          ++ modules
          ++ map ofDefinition defs;
        };
      ofDefinition =
        def:
        if isAttrs def.value && shorthandOnlyDefinesConfig then
          {
            _file = def.file;
            config = def.value;
          }
        else
          {
            _file = def.file;
            imports = [ def.value ];
          };
      noName = evaluate [ ] [ ];
    in
    mkOptionType {
      name = "submodule";
      description = if description == null then "a set of options" else description;
      check = value: isAttrs value || util.isFunction value || isPath value;
      merge = loc: defs: (evaluate loc defs).config;
      emptyValue = {
        value = { };
        at = loc: (evaluate loc [ ]).config;
      };
      getSubOptions = prefix: removeAttrs (evaluate prefix [ ]).options [ "_module" ];
      getSubModules = modules;
      nested =
        if noName._module.freeformType or null == null then
          { }
        else
          { inherit (noName._module) freeformType; };
      payload = args;
      combine =
        other:
        if other.name != "submodule" then
          null
        else
          submoduleWith (
            other.payload
            // args
            // {
              modules = modules ++ other.payload.modules;
              specialArgs = specialArgs // other.payload.specialArgs or { };
            }
          );
    };

  # A module that is put into a submodule later.
  deferredModule = mkOptionType {
    name = "deferredModule";
    description = "a module";
    check = value: isAttrs value || util.isFunction value || isPath value;
    merge = _loc: defs: {
      imports = map (def: {
        _file = def.file;
        imports = [ def.value ];
      }) defs;
    };
  };

  # A set with exactly one of these attributes, each an option.
  attrTag =
    tags:
    mkOptionType {
      name = "attrTag";
      description = "a set with exactly one of ${
        concatStringsSep ", " (map (tag: "`${tag}`") (builtins.attrNames tags))
      }";
      check =
        value:
        isAttrs value
        && length (builtins.attrNames value) == 1
        && any (tag: value ? ${tag}) (builtins.attrNames tags);
      merge =
        loc: defs:
        let
          names = builtins.attrNames (foldl' (whole: def: whole // def.value) { } defs);
          name = head names;
        in
        if length names > 1 then
          merge.conflict loc defs
        else
          {
            ${name} =
              (mergeDefinitions (loc ++ [ name ]) tags.${name}.type (
                concatMap (
                  def:
                  util.optional (def.value ? ${name}) {
                    inherit (def) file;
                    pos = builtins.unsafeGetAttrPos name def.value;
                    value = def.value.${name};
                  }
                ) defs
              )).value;
          };
      getSubOptions = prefix: mapAttrs (name: tag: tag // { loc = prefix ++ [ name ]; }) tags;
      combine = _: null;
    };

  optionType = mkOptionType {
    name = "optionType";
    description = "a type of options";
    check = isType;
    merge =
      loc: defs:
      foldl' (
        left: def:
        let
          both = left.combine def.value;
        in
        if both == null then merge.conflict loc defs else both
      ) (head defs).value (tail defs);
  };
}
