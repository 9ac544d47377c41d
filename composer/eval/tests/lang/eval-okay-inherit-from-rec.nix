rec { source = { a = 1; b = 2; }; inherit (source) a b; c = a + b; }
