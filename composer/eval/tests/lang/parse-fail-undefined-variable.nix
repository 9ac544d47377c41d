let version = "1"; in "${versoin}-x"
