builtins.fetchGit "https://example.org/x"
