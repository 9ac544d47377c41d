# Any value as one that has a JSON form, so that two evaluators can be compared: types, texts, order of names,
# and which parts are errors that `tryEval` catches. `modern`: since Nix 2.18 numbers keep their digits in JSON.
{ modern, depth }:
let
  describe =
    depth: value:
    let
      result = builtins.tryEval value;
    in
    if result.success then known depth result.value else "an error";
  known =
    depth: value:
    let
      type = builtins.typeOf value;
      pairs = set: map (name: [ name (describe (depth - 1) set.${name}) ]) (builtins.attrNames set);
    in
    if depth == 0 && (type == "set" || type == "list") then
      "a deep ${type}"
    else if type == "set" then
      { set = pairs value; }
    else if type == "list" then
      { list = map (describe (depth - 1)) value; }
    else if type == "lambda" then
      { function = pairs (builtins.functionArgs value); }
    else if type == "path" then
      { path = toString value; }
    else if type == "float" then
      { float = [ (toString value) ] ++ (if modern then [ (builtins.toJSON value) ] else [ ]); }
    else if type == "string" then
      if builtins.hasContext value then { text = value; context = true; } else { text = value; }
    else
      value;
in
describe depth
