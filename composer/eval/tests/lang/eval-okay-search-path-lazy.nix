[ (builtins.length [ (<nixpkgs>) ]) ]
