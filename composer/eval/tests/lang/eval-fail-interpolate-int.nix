"version ${6}"
