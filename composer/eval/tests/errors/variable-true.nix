{ enable = True; }
