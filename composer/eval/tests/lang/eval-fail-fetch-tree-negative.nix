fetchTree { type = "tarball"; url = "https://example.org/x.tar"; narHash = ""; revCount = -1; }
