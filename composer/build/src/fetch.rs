//! Performs a fetch: a pinned file from wherever it can be had, into the store.
//!
//! Called by the engine for `Builder::Fetch`. Invariant: only a file with the pinned hash enters
//! the store; the download directory keeps what is incomplete, for the next try.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use xsc_fetch::FetchObserver;
use xsc_model::{DrvId, Fetch, OutputName, TreeId};
use xsc_profile::LockedFile;
use xsc_store::{IngestOptions, ScratchDir};

use crate::engine::Engine;
use crate::error::FailureKind;
use crate::event::{Event, Observer};

pub(crate) fn run(
    engine: &Engine<'_>,
    id: DrvId,
    fetch: &Fetch,
    scratch: ScratchDir,
) -> Result<BTreeMap<OutputName, TreeId>, FailureKind> {
    let wanted = LockedFile {
        name: fetch.file.clone(),
        sha256: fetch.sha256.clone(),
        size: fetch.size,
        urls: fetch.urls.clone(),
    };
    let Some(downloader) = engine.downloader else {
        return Err(FailureKind::Offline {
            file: fetch.file.clone(),
        });
    };
    let progress = Progress {
        observer: engine.observer,
        drv: id,
        total: fetch.size,
        done: AtomicU64::new(0),
    };
    let dir = engine.store.downloads_dir();
    let got = downloader.download(&wanted, &dir, &progress, engine.cancel)?;
    let staged = scratch.path().join("tree");
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| FailureKind::Io { path, source }
    };
    std::fs::create_dir(&staged).map_err(io(&staged))?;
    std::fs::rename(&got, staged.join(&fetch.file)).map_err(io(&got))?;
    let tree = engine.store.add_tree(&staged, &IngestOptions::default())?;
    scratch.remove()?;
    Ok(BTreeMap::from([(OutputName::out(), tree)]))
}

/// Passes a download's progress on as events of its derivation.
struct Progress<'a> {
    observer: &'a dyn Observer,
    drv: DrvId,
    total: u64,
    done: AtomicU64,
}

impl Progress<'_> {
    fn tell(&self) {
        let done = self.done.load(Ordering::Relaxed);
        self.observer.event(&Event::Progress {
            drv: self.drv,
            done,
            total: self.total,
        });
    }

    fn notice(&self, text: &str) {
        self.observer.event(&Event::Notice { text });
    }
}

impl FetchObserver for Progress<'_> {
    fn started(&self, _file: &str, _size: Option<u64>, have: u64) {
        self.done.store(have, Ordering::Relaxed);
        self.tell();
    }

    fn received(&self, _file: &str, bytes: u64) {
        self.done.fetch_add(bytes, Ordering::Relaxed);
        self.tell();
    }

    fn restarted(&self, _file: &str) {
        self.done.store(0, Ordering::Relaxed);
        self.tell();
    }

    fn retrying(&self, file: &str, url: &str, fault: &str, wait: Duration) {
        let seconds = wait.as_secs_f64();
        self.notice(&format!(
            "retrying {file} from {url} in {seconds:.1} s: {fault}"
        ));
    }

    fn location_failed(&self, file: &str, url: &str, fault: &str) {
        self.notice(&format!("{file}: {url} failed: {fault}"));
    }

    fn warning(&self, text: &str) {
        self.notice(text);
    }
}
