true || x: x
