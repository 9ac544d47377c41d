import ./lib-dir
