builtins.fromTOML "day = 2024-02-29"
