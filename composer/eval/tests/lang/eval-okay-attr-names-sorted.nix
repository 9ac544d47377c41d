builtins.attrNames { zeta = 1; alpha = 2; "with space" = 3; Beta = 4; _u = 5; }
