let
  repeat = text: count: builtins.concatStringsSep "" (builtins.genList (_: text) count);
  depth = value: if value ? a then 1 + depth value.a else 0;
in
[
  (depth (builtins.fromJSON "${repeat "{\"a\":" 3000}1${repeat "}" 3000}"))
  (builtins.fromJSON "{\"a\":1,\"b\":2,\"a\":3}")
]
