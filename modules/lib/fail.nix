# How the module system fails: a message, the places it is about, and what to do.
# The composer's evaluator shows the lines of those places (`builtins.throwAt`); plain Nix gets one text.
{ util }:
let
  inherit (util)
    concatMap
    concatStringsSep
    filter
    optional
    showOption
    ;

  plain =
    {
      message,
      at,
      help ? null,
    }:
    throw (
      concatStringsSep "\n" (
        [ message ]
        ++ concatMap (
          place: optional (place.pos != null) "  ${place.pos.file}:${toString place.pos.line}: ${place.label}"
        ) at
        ++ optional (help != null) "  help: ${help}"
      )
    );

  throwAt = builtins.throwAt or plain;

  similarNames = builtins.similarNames or (_: _: [ ]);
in
rec {
  # fail { message; at = [ { pos; label; } ]; help ? null; }
  fail =
    args:
    throwAt (
      {
        help = null;
      }
      // args
      // {
        message = args.message + files args.at;
        at = map (place: { inherit (place) pos label; }) (filter (place: place.pos != null) args.at);
      }
    );

  # A definition or declaration as a place. Where no line is known, the message names the file.
  place = label: def: {
    pos = def.pos or null;
    inherit (def) file;
    inherit label;
  };

  files =
    at:
    let
      unplaced = filter (p: p.pos == null && p ? file && p.file != unknownFile) at;
    in
    if unplaced == [ ] then
      ""
    else
      " (${concatStringsSep "; " (map (p: "${p.label}: ${toString p.file}") unplaced)})";

  unknownFile = "<unknown-file>";

  named = loc: "`${showOption loc}`";

  inherit similarNames;

  # "did you mean `a` or `b`?", or null without any.
  orList =
    names:
    if names == [ ] then
      null
    else
      "did you mean ${concatStringsSep " or " (map (n: "`${n}`") (util.firstOf 4 names))}?";

  didYouMean = name: candidates: orList (similarNames name candidates);
}
