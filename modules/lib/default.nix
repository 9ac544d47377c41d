# The module library: options, types, definitions and what becomes of them. Modules get it as `lib`.
# Pure Nix; beside `builtins.throwAt` and `builtins.similarNames`, which it can do without, nothing
# of it depends on this composer. Names and meanings are those that users of nixpkgs know; README.md says what differs.
let
  util = import ./util.nix;

  errors = import ./fail.nix { inherit util; };

  properties = import ./properties.nix { inherit util errors; };

  merge = import ./merge.nix { inherit util errors properties; };

  types = import ./types.nix {
    inherit
      util
      errors
      merge
      evalModules
      ;
  };

  optionLib = import ./options.nix { inherit types; };

  collect = import ./collect.nix { inherit util errors; };

  inherit
    (import ./eval.nix {
      inherit
        util
        errors
        properties
        merge
        types
        optionLib
        collect
        self
        ;
    })
    evalModules
    ;

  aliases = import ./aliases.nix {
    inherit
      util
      errors
      properties
      types
      optionLib
      ;
  };

  docs = import ./docs.nix { inherit util optionLib; };

  self = {
    inherit types evalModules;

    inherit (properties)
      mkIf
      mkMerge
      mkOverride
      mkOptionDefault
      mkDefault
      mkForce
      mkOrder
      mkBefore
      mkAfter
      mkAssert
      mkDefinition
      ;

    inherit (optionLib)
      mkOption
      mkEnableOption
      mkSinkUndeclaredOptions
      literalExpression
      literalMD
      isOption
      ;

    inherit (types) mkOptionType isType;

    inherit (aliases)
      mkRenamedOptionModule
      mkAliasOptionModule
      mkRemovedOptionModule
      assertionsModule
      checked
      ;

    inherit (docs) optionDocs;

    inherit (errors) didYouMean fail place;

    inherit (util)
      attrByPath
      concatMap
      concatStringsSep
      filterAttrs
      foldl'
      hasAttrByPath
      id
      imap0
      last
      mapAttrsToList
      nameValuePair
      optional
      optionalAttrs
      recursiveUpdate
      reverseList
      setAttrByPath
      showOption
      ;
  };
in
self
