import ./modules/network
