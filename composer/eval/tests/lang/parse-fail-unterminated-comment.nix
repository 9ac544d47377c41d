1 /* never ends
