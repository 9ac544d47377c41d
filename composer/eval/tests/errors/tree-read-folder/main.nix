builtins.readFile ./notes
