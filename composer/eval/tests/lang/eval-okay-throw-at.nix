# Ours, not Nix's: errors that point at positions, and the hint's candidates.
{
  caught = builtins.tryEval (
    builtins.throwAt {
      message = "m";
      at = [ ];
    }
  );
  similar = builtins.similarNames "verson" [
    "src"
    "versions"
    "version"
    "x"
  ];
  none = builtins.similarNames "version" [ "src" ];
}
