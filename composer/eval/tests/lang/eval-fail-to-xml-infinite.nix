let loop = { inner = loop; }; in builtins.toXML loop
