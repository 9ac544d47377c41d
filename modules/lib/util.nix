# Small functions on lists, sets and option paths that every file of this folder uses.
# Pure, and only on builtins that Nix 2.8 has, so that plain Nix evaluates the library as well.
rec {
  inherit (builtins)
    all
    any
    attrNames
    attrValues
    concatLists
    concatMap
    concatStringsSep
    elem
    elemAt
    filter
    foldl'
    functionArgs
    genList
    head
    isAttrs
    isBool
    isFloat
    isFunction
    isInt
    isList
    isPath
    isString
    length
    listToAttrs
    mapAttrs
    removeAttrs
    stringLength
    substring
    tail
    zipAttrsWith
    ;

  id = x: x;

  optional = condition: value: if condition then [ value ] else [ ];

  optionalAttrs = condition: set: if condition then set else { };

  nameValuePair = name: value: { inherit name value; };

  mapAttrsToList = f: set: map (name: f name set.${name}) (attrNames set);

  filterAttrs = keep: set: removeAttrs set (filter (name: !keep name set.${name}) (attrNames set));

  # [ a b ] -> [ (f 0 a) (f 1 b) ]
  imap0 = f: list: genList (n: f n (elemAt list n)) (length list);

  last = list: elemAt list (length list - 1);

  reverseList = list: genList (n: elemAt list (length list - n - 1)) (length list);

  # Whether a value can be called: a function, or a set with `__functor`.
  isCallable = f: isFunction f || (isAttrs f && f ? __functor);

  # { a.b = value; } of [ "a" "b" ] and value.
  setAttrByPath =
    path: value: if path == [ ] then value else { ${head path} = setAttrByPath (tail path) value; };

  # The attribute at a path, or `default`.
  attrByPath =
    path: default: set:
    if path == [ ] then
      set
    else if isAttrs set && set ? ${head path} then
      attrByPath (tail path) default set.${head path}
    else
      default;

  hasAttrByPath =
    path: set:
    path == [ ] || (isAttrs set && set ? ${head path} && hasAttrByPath (tail path) set.${head path});

  # `right` over `left`, set by set.
  recursiveUpdate =
    left: right:
    if isAttrs left && isAttrs right then
      left
      // mapAttrs (
        name: value: if left ? ${name} then recursiveUpdate left.${name} value else value
      ) right
    else
      right;

  # An option path as people write it: boot.cmdline[0], users."a b".
  showOption =
    loc:
    foldl' (
      text: part:
      if substring 0 1 part == "[" then
        text + part
      else
        (if text == "" then "" else text + ".") + showName part
    ) "" loc;

  showName =
    name:
    if
      builtins.match "[a-zA-Z_][a-zA-Z0-9_'-]*" name != null || (name != "" && substring 0 1 name == "<")
    then
      name
    else
      builtins.toJSON name;

  # A value in a few words, for messages: never more than a line, never forcing what is inside.
  showValue =
    value:
    if value == null then
      "null"
    else if isBool value then
      "the boolean ${if value then "true" else "false"}"
    else if isInt value then
      "the integer ${toString value}"
    else if isFloat value then
      "the number ${builtins.toJSON value}"
    else if isString value then
      "the string ${builtins.toJSON (shorten value)}"
    else if isPath value then
      "the path ${baseNameOf value}"
    else if isList value then
      (
        if value == [ ] then
          "an empty list"
        else if tail value == [ ] then
          "a list with one entry"
        else
          "a list with ${toString (length value)} entries"
      )
    else if isAttrs value then
      if value.type or null == "derivation" then
        "the derivation ${value.name or "without a name"}"
      else if value._type or null == "option" then
        "the declaration of an option"
      else if value == { } then
        "an empty set"
      else
        "a set with ${concatStringsSep ", " (firstOf 4 (map (name: "`${name}`") (attrNames value)))}"
    else if isFunction value then
      "a function"
    else
      "a value of the kind ${builtins.typeOf value}";

  shorten =
    text:
    let
      plain = builtins.unsafeDiscardStringContext text;
    in
    if stringLength plain > 50 then substring 0 47 plain + "..." else plain;

  firstOf =
    n: list:
    if length list <= n then
      list
    else
      genList (elemAt list) n ++ [ "${toString (length list - n)} more" ];
}
