builtins.path { path = ./.; filter = p: t: t == "regular"; }
