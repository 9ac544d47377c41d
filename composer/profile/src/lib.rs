//! The typed TOML files: profiles, flake-like.toml and its lock
