# line comment
/* block
   comment */ [ 1 /* inside */ 2 # end
]
