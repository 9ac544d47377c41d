fetchTarball { url = "https://example.org/x.tar"; }
