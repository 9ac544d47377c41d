//! Fetches pinned files: resume, retry, next location, hash check, rename.
//!
//! Called by the command line before a build and by `lock` for the archives' indexes.
//! Invariant: a file stands under its final name only if its SHA-256 is the one asked for and it is on disk;
//! what is incomplete is in a `.part` file that is locked while somebody writes it.

use std::fs::{self, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use sha2::{Digest, Sha256};
use xsc_profile::LockedFile;

use crate::error::{DownloadError, LocationFault};
use crate::mirrors::Mirrors;
use crate::observer::FetchObserver;
use crate::part::{Part, is_complete};
use crate::transport::{Transport, TransportOptions, is_transient};

/// How hard to try.
#[derive(Debug, Clone)]
pub struct DownloadOptions {
    /// Requests made to one address before the next is tried, at least 1.
    pub attempts: u32,
    /// Wait before the second request; doubled before each further one.
    pub back_off: Duration,
    /// Times and proxy of a request.
    pub transport: TransportOptions,
}

impl Default for DownloadOptions {
    fn default() -> Self {
        DownloadOptions {
            attempts: 4,
            back_off: Duration::from_millis(500),
            transport: TransportOptions::default(),
        }
    }
}

/// Fetches files; shared between threads.
pub struct Downloader {
    transport: Transport,
    mirrors: Mirrors,
    options: DownloadOptions,
}

/// How one try at one location ended, when it did not give the file.
enum Failed {
    /// The location is of no use; `transient` if asking again may help.
    Location { fault: String, transient: bool },
    /// It gave a whole file with this hash.
    Wrong { got: String, resumed: bool },
    /// The fault is on this side.
    Here(DownloadError),
}

impl Downloader {
    /// Makes a downloader.
    ///
    /// # Errors
    /// The proxy's address is malformed.
    pub fn new(mirrors: Mirrors, options: DownloadOptions) -> Result<Downloader, DownloadError> {
        Ok(Downloader {
            transport: Transport::new(&options.transport)?,
            mirrors,
            options,
        })
    }

    /// The mirrors it resolves addresses with.
    pub fn mirrors(&self) -> &Mirrors {
        &self.mirrors
    }

    /// Returns where `file` stands below `dir` once fetched: its name after the start of its hash, so that
    /// two files of one name can stand side by side.
    pub fn path_of(file: &LockedFile, dir: &Path) -> PathBuf {
        dir.join(format!("{}-{}", &file.sha256[..16], file.name))
    }

    /// Fetches one file into `dir`, unless it is there, and returns its path.
    ///
    /// # Errors
    /// See [`DownloadError`]. Bytes received so far are kept for the next call, except a wrong file, which is
    /// put aside as `<name>.wrong-<hash>`.
    pub fn download(
        &self,
        file: &LockedFile,
        dir: &Path,
        observer: &dyn FetchObserver,
        cancel: &AtomicBool,
    ) -> Result<PathBuf, DownloadError> {
        fs::create_dir_all(dir).map_err(DownloadError::file("create", dir))?;
        let path = Self::path_of(file, dir);
        let Some(mut part) = self.lock_part(file, &path, cancel)? else {
            observer.started(&file.name, Some(file.size), file.size);
            observer.finished(&file.name);
            return Ok(path);
        };
        let have = part.len()?;
        observer.started(&file.name, Some(file.size), have.min(file.size));
        let mut faults = Vec::new();
        let mut mismatch = None;
        for url in &file.urls {
            let resolved = match self.mirrors.resolve(url) {
                Ok(resolved) => resolved,
                Err(e) => {
                    let fault = e.to_string();
                    // A location that is optional by nature is no news until all have failed.
                    faults.push(LocationFault {
                        url: url.clone(),
                        fault,
                    });
                    continue;
                }
            };
            for url in resolved {
                match self.try_location(&mut part, &url, observer, cancel) {
                    Ok(()) => {
                        part.publish(&path)?;
                        observer.finished(&file.name);
                        return Ok(path);
                    }
                    Err(Failed::Here(e)) => return Err(e),
                    Err(Failed::Location { fault, .. }) => {
                        observer.location_failed(&file.name, &url, &fault);
                        faults.push(LocationFault { url, fault });
                    }
                    Err(Failed::Wrong { got, .. }) => {
                        let fault = format!("wrong file, sha256 {got}");
                        observer.location_failed(&file.name, &url, &fault);
                        let kept_at = dir.join(format!("{}.wrong-{}", file.name, &got[..16]));
                        part.put_aside(&kept_at)?;
                        mismatch.get_or_insert(DownloadError::HashMismatch {
                            name: file.name.clone(),
                            url,
                            expected: file.sha256.clone(),
                            got,
                            kept_at,
                        });
                        part = match self.lock_part(file, &path, cancel)? {
                            Some(part) => part,
                            None => return Ok(path),
                        };
                    }
                }
            }
        }
        if part.len()? == 0 {
            let _ = fs::remove_file(&part.path);
        }
        let name = file.name.clone();
        Err(mismatch.unwrap_or(DownloadError::Unreachable { name, faults }))
    }

    /// Fetches files on up to `parallel` threads and returns their paths in the order given.
    ///
    /// # Errors
    /// That of the first file in the list that failed on its own; a failure stops the other downloads.
    pub fn download_all(
        &self,
        files: &[&LockedFile],
        dir: &Path,
        parallel: usize,
        observer: &dyn FetchObserver,
        cancel: &AtomicBool,
    ) -> Result<Vec<PathBuf>, DownloadError> {
        let next = AtomicUsize::new(0);
        let stop = AtomicBool::new(false);
        let results: Mutex<Vec<Option<Result<PathBuf, DownloadError>>>> =
            Mutex::new(files.iter().map(|_| None).collect());
        std::thread::scope(|scope| {
            for _ in 0..parallel.clamp(1, files.len().max(1)) {
                scope.spawn(|| {
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        let Some(file) = files.get(index) else { break };
                        if stop.load(Ordering::Relaxed) || cancel.load(Ordering::Relaxed) {
                            break;
                        }
                        let result = self.download(file, dir, observer, cancel);
                        if result.is_err() {
                            stop.store(true, Ordering::Relaxed);
                        }
                        let mut results = results.lock().expect("no thread panics with the lock");
                        results[index] = Some(result);
                    }
                });
            }
        });
        let results = results
            .into_inner()
            .expect("no thread panics with the lock");
        let mut paths = Vec::new();
        let mut skipped = None;
        for (file, result) in files.iter().zip(results) {
            match result {
                Some(Ok(path)) => paths.push(path),
                Some(Err(e)) => return Err(e),
                None => skipped = skipped.or(Some(file.name.clone())),
            }
        }
        match skipped {
            Some(name) => Err(DownloadError::Cancelled { name }),
            None => Ok(paths),
        }
    }

    /// Reads a small file that is not pinned (an archive's signed index), of at most `limit` bytes.
    ///
    /// # Errors
    /// No location gave it, with what happened at each.
    pub fn read_unpinned(
        &self,
        urls: &[String],
        limit: u64,
        observer: &dyn FetchObserver,
        cancel: &AtomicBool,
    ) -> Result<(Vec<u8>, String), DownloadError> {
        let name = urls.first().cloned().unwrap_or_default();
        let mut faults = Vec::new();
        for url in urls {
            let resolved = match self.mirrors.resolve(url) {
                Ok(resolved) => resolved,
                Err(e) => {
                    faults.push(LocationFault {
                        url: url.clone(),
                        fault: e.to_string(),
                    });
                    continue;
                }
            };
            for url in resolved {
                let result = self.with_retries(&name, &url, observer, cancel, || {
                    let answer = self.transport.get(&url, 0).map_err(|f| Failed::Location {
                        fault: f.text,
                        transient: f.transient,
                    })?;
                    let mut bytes = Vec::new();
                    let read = answer.body.take(limit + 1).read_to_end(&mut bytes);
                    read.map_err(|e| Failed::Location {
                        transient: is_transient(&e),
                        fault: e.to_string(),
                    })?;
                    if bytes.len() as u64 > limit {
                        return Err(Failed::Location {
                            fault: format!("longer than {limit} bytes"),
                            transient: false,
                        });
                    }
                    Ok(bytes)
                });
                match result {
                    Ok(bytes) => return Ok((bytes, url)),
                    Err(Failed::Here(e)) => return Err(e),
                    Err(Failed::Location { fault, .. }) => {
                        faults.push(LocationFault { url, fault });
                    }
                    Err(Failed::Wrong { .. }) => {
                        unreachable!("a file that is not pinned has no wrong hash")
                    }
                }
            }
        }
        Err(DownloadError::Unreachable { name, faults })
    }

    fn try_location(
        &self,
        part: &mut Part<'_>,
        url: &str,
        observer: &dyn FetchObserver,
        cancel: &AtomicBool,
    ) -> Result<(), Failed> {
        let name = part.wanted.name.clone();
        self.with_retries(&name, url, observer, cancel, || {
            match self.receive(part, url, observer, cancel) {
                // The bytes of an earlier run may be the bad ones: once more from the start.
                Err(Failed::Wrong { resumed: true, .. }) => {
                    part.clear().map_err(Failed::Here)?;
                    observer.restarted(&name);
                    self.receive(part, url, observer, cancel)
                }
                other => other,
            }
        })
    }

    fn with_retries<T>(
        &self,
        name: &str,
        url: &str,
        observer: &dyn FetchObserver,
        cancel: &AtomicBool,
        mut try_once: impl FnMut() -> Result<T, Failed>,
    ) -> Result<T, Failed> {
        let mut wait = self.options.back_off;
        for attempt in 1.. {
            match try_once() {
                Err(Failed::Location {
                    fault,
                    transient: true,
                }) if attempt < self.options.attempts => {
                    observer.retrying(name, url, &fault, wait);
                    sleep(wait, name, cancel).map_err(Failed::Here)?;
                    wait *= 2;
                }
                other => return other,
            }
        }
        unreachable!("the last attempt returns")
    }

    /// Asks once for what the part file lacks, and checks the hash when it is complete.
    fn receive(
        &self,
        part: &mut Part<'_>,
        url: &str,
        observer: &dyn FetchObserver,
        cancel: &AtomicBool,
    ) -> Result<(), Failed> {
        let wanted = part.wanted;
        let have = part.len().map_err(Failed::Here)?;
        if have > wanted.size {
            part.clear().map_err(Failed::Here)?;
        }
        let mut have = part.len().map_err(Failed::Here)?;
        let mut hash = part.hash(have).map_err(Failed::Here)?;
        let resumed = have > 0;
        let mut end = Some(wanted.size);
        if have < wanted.size || wanted.size == 0 {
            let answer = self.transport.get(url, have);
            let mut answer = answer.map_err(|f| Failed::Location {
                fault: f.text,
                transient: f.transient,
            })?;
            if answer.offset != have {
                part.clear().map_err(Failed::Here)?;
                observer.restarted(&wanted.name);
                (have, hash) = (0, Sha256::new());
                if answer.offset != 0 {
                    return Err(Failed::Location {
                        fault: format!("sent the file from byte {}", answer.offset),
                        transient: true,
                    });
                }
            }
            end = answer.total;
            // A wrong file is received whole, to be shown, but not an endless one.
            let limit = wanted.size * 2 + (1 << 20);
            let mut buffer = vec![0; 1 << 16];
            loop {
                if cancel.load(Ordering::Relaxed) {
                    let name = wanted.name.clone();
                    return Err(Failed::Here(DownloadError::Cancelled { name }));
                }
                let count = match answer.body.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(count) => count,
                    Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                    Err(e) => {
                        return Err(Failed::Location {
                            fault: format!("after {have} of {} bytes: {e}", wanted.size),
                            transient: is_transient(&e),
                        });
                    }
                };
                hash.update(&buffer[..count]);
                part.write(&buffer[..count]).map_err(Failed::Here)?;
                have += count as u64;
                observer.received(&wanted.name, count as u64);
                if have > limit {
                    part.clear().map_err(Failed::Here)?;
                    return Err(Failed::Location {
                        fault: format!("sent more than {limit} bytes for {}", wanted.size),
                        transient: false,
                    });
                }
            }
        }
        // Short without the server having said so is a broken connection, not another file.
        if have < wanted.size && end != Some(have) {
            return Err(Failed::Location {
                fault: format!("ended after {have} of {} bytes", wanted.size),
                transient: true,
            });
        }
        let got = hex::encode(hash.finalize());
        if got == wanted.sha256 && have == wanted.size {
            Ok(())
        } else {
            Err(Failed::Wrong { got, resumed })
        }
    }

    /// Opens and locks the part file; `None` if the whole file is there (or comes to be while waiting).
    fn lock_part<'a>(
        &self,
        wanted: &'a LockedFile,
        path: &Path,
        cancel: &AtomicBool,
    ) -> Result<Option<Part<'a>>, DownloadError> {
        let mut name = path.as_os_str().to_owned();
        name.push(".part");
        let part_path = PathBuf::from(name);
        loop {
            if is_complete(path, wanted)? {
                return Ok(None);
            }
            let mut options = OpenOptions::new();
            let options = options.read(true).write(true).create(true).truncate(false);
            let file = options.open(&part_path);
            let file = file.map_err(DownloadError::file("open", &part_path))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    sleep(Duration::from_millis(100), &wanted.name, cancel)?;
                    continue;
                }
                Err(TryLockError::Error(e)) => {
                    return Err(DownloadError::file("lock", &part_path)(e));
                }
            }
            // Whoever held the lock may have renamed the file it was on.
            let ours = file
                .metadata()
                .map_err(DownloadError::file("read", &part_path))?;
            match fs::metadata(&part_path) {
                Ok(there) if there.ino() == ours.ino() && there.dev() == ours.dev() => {
                    if is_complete(path, wanted)? {
                        let _ = fs::remove_file(&part_path);
                        return Ok(None);
                    }
                    return Ok(Some(Part {
                        file,
                        path: part_path,
                        wanted,
                    }));
                }
                _ => continue,
            }
        }
    }
}

fn sleep(time: Duration, name: &str, cancel: &AtomicBool) -> Result<(), DownloadError> {
    let slice = Duration::from_millis(50);
    let mut left = time;
    loop {
        if cancel.load(Ordering::Relaxed) {
            let name = name.to_owned();
            return Err(DownloadError::Cancelled { name });
        }
        if left.is_zero() {
            return Ok(());
        }
        let step = left.min(slice);
        std::thread::sleep(step);
        left -= step;
    }
}
