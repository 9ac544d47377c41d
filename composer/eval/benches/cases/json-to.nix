# toJSON of a large structure.
let
  record = i: {
    id = i;
    name = "record ${toString i}";
    tags = [
      "a"
      "b"
      "quoted \"c\""
    ];
    nested = {
      x = i * 2;
      ok = true;
      none = null;
      f = 0.5;
    };
  };
  text = builtins.toJSON (builtins.genList record 40000);
in
builtins.stringLength text
