import "lib-dir"
