{ owner = nil; }
