rec { a = 1; b = a + c; c = 10; d = { e = b; }; "quoted" = a; f = quoted + 1; }
