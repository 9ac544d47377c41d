builtins.findFile [ { prefix = "a"; path = ./.; } ] "a/nothing.nix"
