builtins.filterSource (path: type: true) ./.
