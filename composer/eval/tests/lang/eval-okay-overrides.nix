let
  outer = 1;
  plain = rec { a = outer; b = a + 1; __overrides = { a = 10; c = 3; }; };
  computed = rec { x = y; y = 1; __overrides = { y = x2; }; x2 = 5; };
  nested = { set = rec { v = 1; w = v; __overrides = { v = 2; }; }; }.set;
  inherited = rec { inherit outer; twice = outer * 2; __overrides.outer = 21; };
  # Without `rec` it is an attribute as any other.
  not = { a = 1; __overrides = { a = 2; }; };
in
[ plain computed.x nested.w inherited.twice not.a ]
