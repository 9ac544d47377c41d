[ (injected + 1) (map 1 2) ]
