"${./lib-dir}"
