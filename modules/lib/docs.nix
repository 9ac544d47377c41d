# Options as a list for people: `xsc-compose options` and docs/options.md are made of it.
# Called by the composer. Invariant: no value of the configuration is needed, and a default is evaluated by who shows it.
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

  list =
    options:
    concatMap (
      name:
      let
        it = options.${name};
      in
      if !isAttrs it || name == "_module" then
        [ ]
      else if isOption it then
        one it
      else
        list it
    ) (attrNames options);

  one =
    option:
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
            description = option.description or null;
            type = option.type.description or "a value";
            readOnly = option.readOnly or false;
            internal = option.internal or false;
            declarations = util.imap0 (
              n: file: {
                inherit file;
                pos = builtins.elemAt option.declarationPositions n;
              }
            ) option.declarations;
          }
          // optionalAttrs (option ? default || option ? defaultText) {
            default = option.defaultText or option.default;
          }
          // optionalAttrs (option ? example) { inherit (option) example; }
        )
      ]
      ++ (if option.visible or true == "shallow" then [ ] else list inner);
in
{
  # [ { name; loc; type; description; default ?; example ?; declarations; readOnly; internal; } ]
  optionDocs = list;
}
