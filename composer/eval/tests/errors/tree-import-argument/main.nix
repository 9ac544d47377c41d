import ./user.nix { name = "ada"; sheel = "/bin/sh"; }
