# A failed value fails again, with the same error.
let bad = throw "x"; in map (n: (builtins.tryEval bad).success) [ 1 2 ]
