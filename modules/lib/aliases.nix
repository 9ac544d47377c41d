# Modules that keep old option names working, and checks that a configuration states about itself.
# Used by modules as lib.mkRenamedOptionModule and so on, and by modules/default.nix. Invariant: an old name never has a value of its own.
{
  util,
  errors,
  properties,
  types,
  optionLib,
}:
let
  inherit (util)
    attrByPath
    concatMap
    concatStringsSep
    filter
    hasAttrByPath
    optional
    setAttrByPath
    showOption
    ;

  inherit (builtins) isAttrs;

  inherit (optionLib) isOption mkOption;

  inherit (errors) fail place;

  renamed =
    {
      from,
      to,
      warn,
    }:
    { options, config, ... }:
    let
      old = attrByPath from null options;

      existing =
        if hasAttrByPath to options then
          to
        else
          fail {
            message = "there is no option `${showOption to}`, which `${showOption from}` is to stand for";
            at = [ ];
          };
    in
    {
      options = setAttrByPath from (mkOption {
        visible = false;
        description = "Another name of `${showOption to}`.";
        type = types.unspecified;
        apply = _: attrByPath to null config;
      });
      config = properties.mkMerge [
        (setAttrByPath existing (
          properties.mkIf old.isDefined (
            properties.mkMerge (
              map (
                def:
                let
                  moved = properties.mkDefinition { inherit (def) file pos value; };
                in
                properties.mkOverride old.highestPrio (
                  if def ? order then properties.mkOrder def.order moved else moved
                )
              ) old.definitionsWithLocations
            )
          )
        ))
        (
          if warn && options ? warnings then
            {
              warnings = optional old.isDefined "`${showOption from}` is now `${showOption to}` (${concatStringsSep ", " (map where old.definitionsWithLocations)})";
            }
          else
            { }
        )
      ];
    };

  where =
    def:
    if def.pos or null == null then toString def.file else "${def.pos.file}:${toString def.pos.line}";
  # The definitions of what is at `path`: of an option, or of a part of its value; if nobody said that part, of what
  # it would be in.
  definitionsAt =
    path: it:
    if isOption it then
      let
        near = filter (
          def: path == [ ] || (isAttrs def.value && def.value ? ${util.head path})
        ) it.definitionsWithLocations;
        exact = filter (def: hasAttrByPath path def.value) near;
      in
      map (within path) (if exact == [ ] then near else exact)
    else if path == [ ] || !(isAttrs it && it ? ${util.head path}) then
      [ ]
    else
      definitionsAt (util.tail path) it.${util.head path};

  within =
    path: def:
    if path == [ ] || !(isAttrs def.value && def.value ? ${util.head path}) then
      def
    else
      within (util.tail path) (
        def
        // {
          value = def.value.${util.head path};
          pos = builtins.unsafeGetAttrPos (util.head path) def.value;
        }
      );
in
{
  # The old name still works and says what the new one is.
  mkRenamedOptionModule =
    from: to:
    renamed {
      inherit from to;
      warn = true;
    };

  # Two names for good.
  mkAliasOptionModule =
    from: to:
    renamed {
      inherit from to;
      warn = false;
    };

  # Setting the old name is an error that says what to do instead.
  mkRemovedOptionModule =
    path: instead:
    { options, ... }:
    {
      options = setAttrByPath path (mkOption {
        visible = false;
        description = "Is gone.";
        type = types.unspecified;
        apply = _: throw "the option `${showOption path}` is gone: ${instead}";
      });
      config.assertions =
        let
          old = attrByPath path null options;
        in
        optional old.isDefined {
          assertion = false;
          message = "the option `${showOption path}` is gone: ${instead}";
          about = [ path ];
        };
    };

  # `assertions` and `warnings`, for modules to fill.
  assertionsModule = {
    key = "<modules/lib/aliases.nix>";
    _file = "<modules/lib/aliases.nix>";
    options = {
      assertions = mkOption {
        type = types.listOf types.unspecified;
        default = [ ];
        internal = true;
        example = [
          {
            assertion = false;
            message = "you can't enable this for that reason";
          }
        ];
        description = "What has to be true of the configuration: each has `assertion`, the `message` if it is false, and perhaps `about`, the paths of options whose definitions to show.";
      };
      warnings = mkOption {
        type = types.listOf types.str;
        default = [ ];
        internal = true;
        example = [ "the option `a` is going to be removed" ];
        description = "What to tell the user about the configuration.";
      };
    };
  };

  # The second argument, if every assertion of an evaluation holds; warnings are shown.
  checked =
    { config, options, ... }:
    value:
    let
      failed = filter (it: !it.assertion) config.assertions;
      # Where the options that it is about were set, or where it was stated.
      about = concatMap (path: map (place "set here") (definitionsAt path options)) (
        concatMap (it: it.about or [ ]) failed
      );
      stated = concatMap (
        def: optional (builtins.any (it: !(it.assertion or true)) def.value) (place "asserted here" def)
      ) options.assertions.definitionsWithLocations;
      from = if about == [ ] then stated else about;
      warn = builtins.warn or (message: builtins.trace "warning: ${message}");
    in
    if failed != [ ] then
      fail {
        message =
          if util.tail failed == [ ] then
            (util.head failed).message
          else
            "the configuration contradicts itself:\n${
              concatStringsSep "\n" (map (it: "- ${it.message}") failed)
            }";
        at = from;
      }
    else
      builtins.foldl' (result: message: warn message result) value config.warnings;
}
