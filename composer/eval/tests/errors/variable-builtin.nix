attrNames { a = 1; }
