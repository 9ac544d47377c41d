builtins.path { path = ./.; filter = path: type: "yes"; }
