import ./modules
