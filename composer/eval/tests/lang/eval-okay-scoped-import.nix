builtins.scopedImport { injected = 20; map = f: l: "shadowed"; } ./lib-scoped.nix
