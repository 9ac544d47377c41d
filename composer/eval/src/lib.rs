//! The Nix language: lowering from rnix, scopes, lazy values, builtins, errors with spans
