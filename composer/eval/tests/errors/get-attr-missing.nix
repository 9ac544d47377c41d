let
  versions = {
    stable = "24.2";
    edge = "24.3";
  };
in
builtins.getAttr "stabel" versions
