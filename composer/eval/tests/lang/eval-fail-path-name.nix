builtins.path { path = ./.; name = "a b"; }
