[ (toString 1) (toString true) (toString false) (toString null) (toString [ 1 "a" [ 2 [ ] 3 ] true ]) (toString 1.5) (toString ./p) (toString { outPath = "o"; }) (toString { __toString = s: "t"; }) ]
