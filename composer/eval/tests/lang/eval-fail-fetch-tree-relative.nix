builtins.fetchTree "file:x.tar"
