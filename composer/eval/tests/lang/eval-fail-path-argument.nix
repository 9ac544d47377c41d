builtins.path { path = ./.; filer = path: type: true; }
