let here = __curPos; in [ here.line here.column (baseNameOf here.file) ]
