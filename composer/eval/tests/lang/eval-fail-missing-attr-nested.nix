let pkgs = { tools.make = 1; }; in pkgs.tools.mkae
