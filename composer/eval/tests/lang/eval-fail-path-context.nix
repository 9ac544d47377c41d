/a + builtins.appendContext "b" { "/nix/store/00000000000000000000000000000000-x" = { path = true; }; }
