let s = builtins.appendContext "text" { "/store/item" = { path = true; }; }; in [
  (builtins.hasContext s) (builtins.hasContext "text") (builtins.attrNames (builtins.getContext "${s} and ${s}"))
  (builtins.hasContext (builtins.unsafeDiscardStringContext s)) (s == "text")
  (builtins.hasContext (builtins.substring 0 1 s)) (builtins.hasContext (builtins.replaceStrings [ "t" ] [ "T" ] s))
]
