//! Progress of a fetch, told to whoever shows it.
//!
//! Implemented by the command line; called by the download and lock code from several threads at once.
//! Invariant: `started` comes before any other call for a file, `finished` after all of them.

use std::time::Duration;

/// Receives what happens during a fetch. Every method has an empty default.
pub trait FetchObserver: Sync {
    /// A file is looked for; `size` in bytes where known, `have` bytes are left from an earlier run.
    fn started(&self, _file: &str, _size: Option<u64>, _have: u64) {}
    /// `bytes` more were received.
    fn received(&self, _file: &str, _bytes: u64) {}
    /// What was received so far was of no use, counting starts again at 0.
    fn restarted(&self, _file: &str) {}
    /// A transient fault; the same address is tried again after `wait`.
    fn retrying(&self, _file: &str, _url: &str, _fault: &str, _wait: Duration) {}
    /// An address was given up; the next one is tried.
    fn location_failed(&self, _file: &str, _url: &str, _fault: &str) {}
    /// The file is complete and its hash right.
    fn finished(&self, _file: &str) {}
    /// Something the person should know, such as an index nobody could verify.
    fn warning(&self, _text: &str) {}
}

/// An observer that ignores everything.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl FetchObserver for Silent {}
