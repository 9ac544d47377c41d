let f = first: second: { third, ... }: first; in map builtins.toXML [ f (f 1) (f 1 2) ]
