with builtins
[ length ]
