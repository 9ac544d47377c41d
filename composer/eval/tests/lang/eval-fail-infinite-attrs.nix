rec { x = y; y = x; }
