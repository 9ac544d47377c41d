builtins.storePath "/store/x"
