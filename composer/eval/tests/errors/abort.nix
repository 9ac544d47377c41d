abort "this can't go on"
