//! `lock` and `update`: resolve inputs and write flake-like.lock.
//!
//! `lock` resolves what changed in flake-like.toml and keeps the rest, `update` resolves anew.
//! Invariant: these two verbs are the only ones that write the lock, whole or not at all.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;

use xsc_fetch::{Change, FetchObserver, Resolver, SignatureCheck, Which};
use xsc_profile::Lock;

use super::{Cancel, downloader, read_flake};
use crate::args::Update;
use crate::context::{Context, Repository};
use crate::error::CommandError;

pub(crate) fn lock(context: &Context, cancel: &Cancel) -> Result<(), CommandError> {
    resolve(context, Which::Stale, cancel)
}

pub(crate) fn update(
    context: &Context,
    args: &Update,
    cancel: &Cancel,
) -> Result<(), CommandError> {
    let scope = match &args.input {
        Some(input) => Which::Only(input),
        None => Which::All,
    };
    resolve(context, scope, cancel)
}

struct Notices {
    quiet: bool,
}

impl FetchObserver for Notices {
    fn location_failed(&self, file: &str, url: &str, fault: &str) {
        self.warning(&format!("{file}: {url} failed: {fault}"));
    }

    fn warning(&self, text: &str) {
        if !self.quiet {
            eprintln!("warning: {text}");
        }
    }
}

fn resolve(context: &Context, which: Which<'_>, cancel: &Cancel) -> Result<(), CommandError> {
    let repository = Repository::find(Path::new("."))?;
    let flake = read_flake(&repository)?;
    let path = repository.lock_path();
    let old = read_old(&repository, &path, context.quiet)?;
    let store = context.store()?;
    let downloader = downloader(context, &flake)?;
    let notices = Notices {
        quiet: context.quiet,
    };
    let signature = SignatureCheck::from_host();
    let scratch = store.downloads_dir();
    let resolver = Resolver {
        downloader: &downloader,
        signature: &signature,
        scratch: &scratch,
        observer: &notices,
        cancel,
    };
    let (lock, changes) = resolver
        .lock(&flake, old.as_ref(), which)
        .map_err(|e| CommandError::from_error(&e))?;
    if !context.quiet {
        for change in &changes {
            eprintln!("{}", shown(change));
        }
    }
    write(&path, &lock.to_text())?;
    if !context.quiet {
        let files = lock.files();
        let bytes: u64 = files.iter().map(|file| file.size).sum();
        eprintln!(
            "{}: {} inputs, {} files, {} MiB, {} changes",
            repository.shown(&path),
            lock.inputs.len(),
            files.len(),
            bytes >> 20,
            changes.len()
        );
    }
    Ok(())
}

/// The lock as it is, if there is one. One that cannot be understood is what `lock` mends: it is
/// written anew, and the user is told that no pin is kept.
fn read_old(
    repository: &Repository,
    path: &Path,
    quiet: bool,
) -> Result<Option<Lock>, CommandError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(CommandError::other(format!(
                "cannot read {}: {error}",
                path.display()
            )));
        }
    };
    match Lock::parse(&repository.shown(path).to_string(), &text) {
        Ok(lock) => Ok(Some(lock)),
        Err(error) => {
            if !quiet {
                eprintln!("warning: {error}\nwarning: every input is resolved anew");
            }
            Ok(None)
        }
    }
}

/// A change as `old → new`; of a list of packages only what is new or gone.
fn shown(change: &Change) -> String {
    let item = format!("{}: {}", change.input, change.item);
    if let (Some(old), Some(new)) = (&change.old, &change.new)
        && change.item.starts_with("set ")
    {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<BTreeSet<_>>();
        let (old, new) = (words(old), words(new));
        let gone = old.difference(&new).map(|name| format!(" -{name}"));
        let added = new.difference(&old).map(|name| format!(" +{name}"));
        return format!("{item}:{}", gone.chain(added).collect::<String>());
    }
    let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "(none)".to_owned());
    format!("{item}: {} → {}", side(&change.old), side(&change.new))
}

fn write(path: &Path, text: &str) -> Result<(), CommandError> {
    let failed =
        |e: std::io::Error| CommandError::other(format!("cannot write {}: {e}", path.display()));
    // A name of its own: two runs at once must not write into one file.
    let temporary = path.with_extension(format!("lock.new-{}", std::process::id()));
    let written = std::fs::File::create(&temporary).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&temporary, path)
    });
    written.map_err(|error| {
        // It may never have been made; what went wrong is said already.
        let _ = std::fs::remove_file(&temporary);
        failed(error)
    })
}
