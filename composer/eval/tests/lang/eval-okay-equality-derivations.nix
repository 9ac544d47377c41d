let d = path: extra: { type = "derivation"; outPath = path; inherit extra; }; in [ (d "/a" 1 == d "/a" 2) (d "/a" 1 == d "/b" 1) ]
