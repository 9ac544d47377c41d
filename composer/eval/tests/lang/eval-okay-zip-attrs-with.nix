builtins.zipAttrsWith (name: values: [ name values ]) [ { a = 1; } { a = 2; b = 3; } ]
