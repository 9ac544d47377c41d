builtins.toJSON { a = [ 1 2.5 true null "q\"uote\n" ]; b = { outPath = "/out"; ignored = 1; }; c.d = { }; t = { __toString = self: "text"; }; }
