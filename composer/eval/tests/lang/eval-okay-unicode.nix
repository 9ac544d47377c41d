[ "grüße ✓" (builtins.stringLength "✓") { "ü" = 1; } ]
