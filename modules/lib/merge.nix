# From the definitions of one option to its value: properties taken apart, types checked, values merged.
# Called by eval.nix for options and by types.nix for what is inside a value. A definition is
# { file; pos; value; }, `pos` null where no line is known. Invariant: a value is checked before it is merged.
{
  util,
  errors,
  properties,
}:
let
  inherit (util)
    all
    concatMap
    concatStringsSep
    filter
    head
    isAttrs
    isList
    isString
    length
    tail
    ;

  inherit (errors) fail named place;

  inherit (properties) discharge winners defaultOverridePriority;
in
rec {
  # { isDefined; value; priority; defs; } of one option or part of one.
  mergeDefinitions =
    loc: type: defs:
    let
      # Nearly every option: one definition, no property.
      single = defs != [ ] && tail defs == [ ] && !(isAttrs first.value && first.value ? _type);
      first = head defs;
      won = winners (concatMap (discharge loc) defs);
      final = if single then defs else won.defs;
    in
    {
      defs = final;
      priority = if single then defaultOverridePriority else won.lowest;
      isDefined = final != [ ];
      value =
        if final == [ ] then
          # `at`: of submodules, whose options have defaults.
          if type.emptyValue ? at then
            type.emptyValue.at loc
          else
            type.emptyValue.value or (fail {
              message = "${named loc} is used and has no value";
              at = [ ];
            })
        else if all (def: type.check def.value) final then
          type.merge loc final
        else
          wrongType loc type (head (filter (def: !type.check def.value) final));
    };

  wrongType =
    loc: type: def:
    fail {
      message = "${named loc} must be ${type.description}, and this is ${util.showValue def.value}${type.explain def.value}";
      at = [ (place "defined here" def) ];
      help = type.help def.value;
    };

  # Several definitions of what can hold only one value.
  conflict =
    loc: defs:
    fail {
      message = "${named loc} has ${toString (length defs)} values that exclude each other: ${
        concatStringsSep ", " (util.firstOf 4 (map (def: util.showValue def.value) defs))
      }";
      at = map (def: place "${util.showValue def.value} here" def) defs;
      help = "keep one of them, or mark the one that wins with `lib.mkForce`, or the others with `lib.mkDefault`";
    };

  mergeOne = loc: defs: if tail defs == [ ] then (head defs).value else conflict loc defs;

  # Equal values are one value.
  mergeEqual =
    loc: defs:
    let
      first = head defs;
      other = filter (def: def.value != first.value) (tail defs);
    in
    if tail defs == [ ] || other == [ ] then first.value else conflict loc ([ first ] ++ other);

  mergeConcat =
    separator: _loc: defs:
    concatStringsSep separator (map (def: def.value) defs);

  # Whatever it is: sets by attribute, lists joined, the rest has to be equal.
  mergeAnything =
    loc: defs:
    let
      first = (head defs).value;
      same = test: all (def: test def.value) defs;
      isSet = value: isAttrs value && value.type or null != "derivation";
    in
    if tail defs == [ ] && !isSet first && !isList first then
      first
    else if same isSet then
      mergeAttrsWith anything loc defs
    else if same isList then
      concatMap (def: def.value) defs
    else if same util.isFunction then
      argument: mergeAnything loc (map (def: def // { value = def.value argument; }) defs)
    else
      mergeEqual loc defs;

  anything = {
    description = "anything";
    check = _: true;
    merge = mergeAnything;
    emptyValue = { };
    explain = _: "";
    help = _: null;
  };

  # The definitions of each attribute of sets, by name.
  definitionsByName =
    defs:
    util.zipAttrsWith (_: all: all) (
      map (
        def:
        util.mapAttrs (name: value: {
          inherit (def) file;
          pos = builtins.unsafeGetAttrPos name def.value;
          inherit value;
        }) def.value
      ) defs
    );

  # Sets by attribute, each merged as `type`; attributes whose conditions are false are not there.
  mergeAttrsWith =
    type: loc: defs:
    util.mapAttrs (_: merged: merged.value) (
      util.filterAttrs (_: merged: merged.isDefined) (
        util.mapAttrs (name: mergeDefinitions (loc ++ [ name ]) type) (definitionsByName defs)
      )
    );

  # The same without looking at conditions before an attribute is asked for.
  mergeAttrsLazily =
    type: loc: defs:
    util.mapAttrs (name: here: (mergeDefinitions (loc ++ [ name ]) type here).value) (
      definitionsByName defs
    );

  # Lists one after the other, each entry as `type`. An entry is called by its index in its own definition.
  mergeListWith =
    type: loc: defs:
    let
      entry =
        def: index: value:
        mergeDefinitions (loc ++ [ "[${toString index}]" ]) type [ (def // { inherit value; }) ];
      one = def: util.imap0 (entry def) def.value;
    in
    concatMap (merged: if merged.isDefined then [ merged.value ] else [ ]) (concatMap one defs);

  isStringLike = value: isString value || util.isPath value || (isAttrs value && value ? outPath);
}
