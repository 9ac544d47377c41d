{ x = true | false; }
