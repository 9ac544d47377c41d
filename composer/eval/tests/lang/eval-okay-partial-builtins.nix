let addTwo = builtins.add 2; replace = builtins.replaceStrings [ "a" ]; in [ (map addTwo [ 1 2 ]) (replace [ "b" ] "banana") addTwo map ]
