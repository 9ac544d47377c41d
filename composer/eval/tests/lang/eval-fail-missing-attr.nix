let pkgs = { zlib = 1; bash = 2; }; in pkgs.zlb
