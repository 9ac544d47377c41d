builtins.filterSource true ./.
