builtins.throwAt { mesage = "x"; }
