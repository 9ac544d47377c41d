let here = toString ./.; inherit (builtins) pathExists; in [
  (pathExists ./lib-function.nix) (pathExists "${here}/lib-function.nix") (pathExists "${here}/lib-function.nix/")
  (pathExists "${here}/lib-function.nix/.") (pathExists here) (pathExists "${here}/") (pathExists ./nothing)
]
