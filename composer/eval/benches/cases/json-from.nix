# fromJSON of a large text, and back.
let
  one = ''{"id": 12, "name": "a name", "tags": ["x", "y", "\u00e9\n"], "nested": {"x": 1.5, "ok": true, "none": null}}'';
  text = "[" + builtins.concatStringsSep "," (builtins.genList (_: one) 40000) + "]";
  value = builtins.fromJSON text;
in
[
  (builtins.length value)
  (builtins.foldl' (acc: r: acc + r.id) 0 value)
  (builtins.elemAt value 7).nested
]
