let
  config.owner = null;
in
"owner: ${config.owner}"
