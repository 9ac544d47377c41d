builtins.addErrorContext "the profile is minimal.toml" (throw "it has no kernel")
