let
  f = { a, b ? a * 2, ... }: [ a b ];
  g = args@{ a, c ? args.d or 9, ... }: [ a c ];
  h = { x ? y, y ? 3 }@all: [ x y (builtins.attrNames all) ];
  curried = a: b: c: [ a b c ];
in
[ (f { a = 1; }) (f { a = 1; b = 5; z = 0; }) (g { a = 1; d = 2; }) (g { a = 1; }) (h { }) (h { y = 4; }) (curried 1 2 3) (({ }: 7) { }) (({ ... }: 8) { q = 1; }) ]
