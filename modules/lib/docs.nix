# Options as a list for people: `xsc-compose options` and docs/options.md are made of it.
# Called by modules/default.nix. Invariant: making the list needs no value of the configuration; defaults,
# examples and values are evaluated by who shows them.
{ util, optionLib }:
let
  inherit (util)
    attrNames
    concatMap
    isAttrs
    optionalAttrs
    showOption
    ;

  inherit (optionLib) isOption;

  # Options of a submodule that is inside itself are listed down to here.
  deepest = 12;

  # `top`: not inside of a submodule, whose options have a value in each of its sets.
  list =
    top: options:
    concatMap (
      name:
      let
        it = options.${name};
      in
      if !isAttrs it || name == "_module" then
        [ ]
      else if isOption it then
        one top it
      else
        list top it
    ) (attrNames options);

  one =
    top: option:
    let
      inner = option.type.getSubOptions option.loc;
    in
    if option.visible or true == false then
      [ ]
    else
      [
        (
          {
            inherit (option) loc;
            name = showOption option.loc;
            description = text (option.description or null);
            type = option.type.description or "a value";
            readOnly = option.readOnly or false;
            internal = option.internal or false;
            declarations = util.imap0 (n: file: {
              inherit file;
              pos = builtins.elemAt option.declarationPositions n;
            }) option.declarations;
          }
          // optionalAttrs (option ? default || option ? defaultText || option.type.emptyValue ? value) {
            default = option.defaultText or (option.default or option.type.emptyValue.value);
            defaultIsText = option ? defaultText;
          }
          // optionalAttrs (option ? example) { inherit (option) example; }
          // optionalAttrs (top && option ? value) {
            inherit (option) value;
            # Where the value comes from; nothing where it is the default's.
            definitions =
              if option.highestPrio >= 1500 then
                [ ]
              else
                map (def: { inherit (def) file pos; }) option.definitionsWithLocations;
          }
        )
      ]
      ++ (
        if option.visible or true == "shallow" || builtins.length option.loc > deepest then
          [ ]
        else
          list false inner
      );

  # A description may be a set made by literalMD.
  text = it: if isAttrs it then it.text or null else it;
in
{
  # [ { name; loc; type; description; default ?; example ?; value ?; definitions ?; declarations; … } ]
  optionDocs = list true;
}
