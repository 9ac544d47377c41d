builtins.mapAttr (name: value: value) { }
