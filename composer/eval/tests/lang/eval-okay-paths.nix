let name = "lib-dir"; in [
  (toString ./a/../b) (toString ./.) (toString (./. + "/x/./y")) (baseNameOf ./lib-dir) (toString ./${name}/one.nix)
  (toString (./lib-dir + "/..")) (builtins.typeOf ./x) (toString /abs/path) (./a + "b" == ./ab)
]
