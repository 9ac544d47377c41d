//! `keygen`: a new pair of keys; the secret one into a file, the public one to standard output.
//!
//! Invariant: the secret key is never printed, and its file is never readable by others.

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use serde_json::json;
use xsc_remote::{KeyName, SecretKey};

use super::print;
use crate::args::Keygen;
use crate::context::Context;
use crate::error::CommandError;

pub(crate) fn run(context: &Context, args: &Keygen) -> Result<(), CommandError> {
    let name = KeyName::new(&args.name).map_err(|error| CommandError::usage(error.to_string()))?;
    let path = match &args.output {
        Some(path) => path.clone(),
        None => PathBuf::from(format!("{name}.secret")),
    };
    let key = SecretKey::from_seed(name, seed()?);
    let failed = |error: std::io::Error| {
        let shown = path.display();
        match error.kind() {
            std::io::ErrorKind::AlreadyExists => CommandError::usage(format!("{shown} exists"))
                .hint("a key that is overwritten is lost; name another file with -o FILE"),
            _ => CommandError::other(format!("cannot write {shown}: {error}")),
        }
    };
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .map_err(failed)?;
    file.write_all(key.to_text().as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(failed)?;
    let public = key.public().to_string();
    if context.json {
        print(&json!({ "version": 1, "public": public, "secret_file": path }).to_string());
        return Ok(());
    }
    print(&public);
    if !context.quiet {
        eprintln!(
            "the secret key is in {}; who may use results that it signs names the line above in \
             flake-like.toml: [trust] keys = [\"…\"]",
            path.display()
        );
    }
    Ok(())
}

fn seed() -> Result<[u8; 32], CommandError> {
    let mut seed = [0; 32];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut seed))
        .map_err(|error| CommandError::other(format!("cannot read /dev/urandom: {error}")))?;
    Ok(seed)
}
