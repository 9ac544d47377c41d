[
  (baseNameOf "a/b/c.txt") (baseNameOf "/a/b/") (baseNameOf "x") (baseNameOf ./lib-dir/one.nix)
  (dirOf "a/b/c") (dirOf "/a") (dirOf "x") (toString (dirOf ./lib-dir/one.nix))
]
