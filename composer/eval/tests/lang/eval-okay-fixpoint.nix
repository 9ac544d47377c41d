let
  fix = f: let x = f x; in x;
  extend = base: overlay: self: let super = base self; in super // overlay self super;
  base = self: { a = 1; b = self.a + 1; };
  overlay = self: super: { a = 10; c = super.b; };
in
fix (extend base overlay)
