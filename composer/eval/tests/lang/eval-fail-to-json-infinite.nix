let make = n: { next = make (n + 1); }; in builtins.toJSON (make 0)
