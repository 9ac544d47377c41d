builtins.any true [ ]
