# What a definition can be besides a value: conditional, merged, of another priority or order.
# Made by modules, taken apart by merge.nix. Invariant: a lower priority number wins; 100 is a plain value's.
{ util, errors }:
let
  inherit (util)
    concatMap
    filter
    foldl'
    isAttrs
    isBool
    ;
in
rec {
  # Counts only if `condition` is true; the condition may depend on `config`.
  mkIf = condition: content: {
    _type = "if";
    inherit condition content;
  };

  # Several definitions as one.
  mkMerge = contents: {
    _type = "merge";
    inherit contents;
  };

  # Of all definitions of an option, only those with the lowest number count.
  mkOverride = priority: content: {
    _type = "override";
    inherit priority content;
  };

  mkOptionDefault = mkOverride 1500;
  mkDefault = mkOverride 1000;
  mkForce = mkOverride 50;

  defaultOverridePriority = 100;

  # Where in a merged list or text this definition comes: lower is earlier, 1000 is a plain value's.
  mkOrder = priority: content: {
    _type = "order";
    inherit priority content;
  };

  mkBefore = mkOrder 500;
  mkAfter = mkOrder 1500;

  defaultOrderPriority = 1000;

  # A definition that was made elsewhere: errors show that place.
  mkDefinition =
    {
      file,
      value,
      pos ? null,
    }:
    {
      _type = "definition";
      inherit file pos value;
    };

  # Only with `condition`: an assertion of type as well, as nixpkgs has it.
  mkAssert =
    assertion: message: content:
    mkIf (if assertion then true else throw "\nFailed assertion: ${message}") content;

  isProperty = value: isAttrs value && value ? _type && propertyNames ? ${value._type};

  propertyNames = {
    "if" = null;
    merge = null;
    override = null;
    order = null;
    definition = null;
  };

  # One definition as the list of plain ones it stands for, each with `priority` and `order`.
  # The outermost override or order of a value is the one that counts.
  discharge =
    loc: def:
    let
      inherit (def) value;
    in
    if !isProperty value then
      [ def ]
    else if value._type == "merge" then
      concatMap (content: discharge loc (def // { value = content; })) value.contents
    else if value._type == "if" then
      if condition loc def then discharge loc (def // { value = value.content; }) else [ ]
    else if value._type == "override" then
      map (inner: inner // { inherit (value) priority; }) (
        discharge loc (def // { value = value.content; })
      )
    else if value._type == "definition" then
      discharge loc (def // { inherit (value) file pos value; })
    else
      map (inner: inner // { order = value.priority; }) (
        discharge loc (def // { value = value.content; })
      );

  condition =
    loc: def:
    let
      it = def.value.condition;
    in
    if isBool it then
      it
    else
      errors.fail {
        message = "the condition of `mkIf` for ${errors.named loc} is ${util.showValue it}, not a boolean";
        at = [ (errors.place "defined here" def) ];
      };

  # The same above options, where a definition is a set of definitions: a list of
  # { file; attrs; wrap; }, `wrap` putting the properties back on what is inside.
  pushDown =
    loc: def:
    let
      inherit (def) value;
      below = content: pushDown loc (def // { value = content; });
      wrapped =
        property: content: map (inner: inner // { wrap = v: property (inner.wrap v); }) (below content);
    in
    if isAttrs value && !(isProperty value) then
      [
        {
          inherit (def) file;
          attrs = value;
          wrap = v: v;
        }
      ]
    else if !isAttrs value then
      errors.fail {
        message = "${
          if loc == [ ] then "a module's `config`" else errors.named loc
        } holds options, so it must be a set, and this is ${util.showValue value}";
        at = [ (errors.place "defined here" def) ];
      }
    else if value._type == "merge" then
      concatMap below value.contents
    else if value._type == "if" then
      wrapped (mkIf (condition loc def)) value.content
    else if value._type == "override" then
      wrapped (mkOverride value.priority) value.content
    else if value._type == "definition" then
      map (
        inner:
        inner
        // {
          wrap =
            v:
            mkDefinition {
              inherit (value) file pos;
              value = inner.wrap v;
            };
        }
      ) (pushDown loc (def // { inherit (value) file pos value; }))
    else
      wrapped (mkOrder value.priority) value.content;

  # Of discharged definitions those with the lowest priority number, in their order.
  winners =
    defs:
    let
      priority = def: def.priority or defaultOverridePriority;
      lowest = foldl' (low: def: if priority def < low then priority def else low) 9999 defs;
    in
    {
      inherit lowest;
      defs =
        let
          kept = filter (def: priority def == lowest) defs;
        in
        if builtins.any (def: def ? order) kept then
          builtins.sort (a: b: (a.order or defaultOrderPriority) < (b.order or defaultOrderPriority)) kept
        else
          kept;
    };
}
