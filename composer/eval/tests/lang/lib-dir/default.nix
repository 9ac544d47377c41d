{ from = "default.nix"; sibling = (import ./one.nix).value; }
