map (v: builtins.concatStringsSep "" (map (f: if f v then "1" else "0") (with builtins; [ isNull isBool isInt isFloat isString isPath isList isAttrs isFunction ])))
  [ null true 1 1.0 "s" ./p [ ] { } (x: x) builtins.map ]
