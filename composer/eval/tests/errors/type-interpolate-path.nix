"cat ${./notes.txt}"
