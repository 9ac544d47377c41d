let
  __nixPath = [ { prefix = "own"; path = ./.; } { path = "/sub"; } { path = "not-absolute"; } ];
in
[
  (builtins.isFunction (import <own/lib-function.nix>))
  (builtins.findFile __nixPath "own" == ./.)
  (builtins.tryEval (builtins.findFile __nixPath "ownership"))
  (builtins.tryEval <other>)
  (let __findFile = path: name: "${name} in ${toString (builtins.length path)}"; in <a/b>)
]
