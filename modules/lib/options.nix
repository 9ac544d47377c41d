# Declaring options.
# `mkOption` is what modules call; the rest are its usual abbreviations. Invariant: a declaration is data, it evaluates nothing.
{ types }:
rec {
  # All may be left out: type, default, defaultText (shown instead of the default), example, description,
  # apply (a function put on the merged value), readOnly (set once), internal and visible (documentation).
  mkOption =
    {
      default ? null,
      defaultText ? null,
      example ? null,
      description ? null,
      type ? null,
      apply ? null,
      internal ? null,
      visible ? null,
      readOnly ? null,
      relatedPackages ? null,
    }@attrs:
    attrs // { _type = "option"; };

  # A switch: "Whether to enable NAME.", off.
  mkEnableOption =
    name:
    mkOption {
      default = false;
      example = true;
      description = "Whether to enable ${name}.";
      type = types.bool;
    };

  # Where modules leave values for each other, not for users.
  mkSinkUndeclaredOptions =
    attrs:
    mkOption (
      {
        internal = true;
        visible = false;
        default = false;
        description = "Takes what no other option takes.";
        type = types.unspecified;
        apply = _: throw "an option that takes undeclared values has none";
      }
      // attrs
    );

  # A value with how to show it: `literalExpression "pkgs.hello"`.
  literalExpression = text: {
    _type = "literalExpression";
    inherit text;
  };

  literalMD = text: {
    _type = "literalMD";
    inherit text;
  };

  isOption = value: builtins.isAttrs value && value._type or null == "option";
}
