//! A loopback HTTP server for tests: scripted answers, and a log of what was asked.
//!
//! Used by `download` and `lock` tests. Invariant: it binds 127.0.0.1 only and stops with its handle.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use sha2::{Digest, Sha256};
use xsc_profile::LockedFile;

/// How the server answers a request for a path.
#[derive(Clone)]
pub(crate) enum Reply {
    /// The whole file, or the part asked for.
    File(Vec<u8>),
    /// The whole file even if a part was asked for.
    NoRange(Vec<u8>),
    /// Promises the whole, sends this many bytes, and hangs up.
    CutAfter(Vec<u8>, usize),
    /// Sends without a length, so that only the end of the connection ends it.
    Unsized(Vec<u8>),
    /// A status and nothing else.
    Status(u16),
}

/// Requests, as (path, value of the Range header).
type Log = Arc<Mutex<Vec<(String, Option<String>)>>>;

pub(crate) struct Server {
    address: String,
    log: Log,
    stop: Arc<AtomicBool>,
}

impl Server {
    /// Answers each path with its replies in turn; the last is repeated.
    pub(crate) fn start(replies: BTreeMap<String, Vec<Reply>>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (log, stop) = (Log::default(), Arc::new(AtomicBool::new(false)));
        let (thread_log, thread_stop) = (log.clone(), stop.clone());
        let replies = Arc::new(Mutex::new(replies));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if thread_stop.load(Ordering::SeqCst) {
                    break;
                }
                let (log, replies) = (thread_log.clone(), replies.clone());
                std::thread::spawn(move || serve(stream.unwrap(), &log, &replies));
            }
        });
        Server { address, log, stop }
    }

    pub(crate) fn one(path: &str, replies: Vec<Reply>) -> Server {
        Server::start(BTreeMap::from([(path.to_owned(), replies)]))
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn log(&self) -> Vec<(String, Option<String>)> {
        self.log.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the accepting thread.
        let _ = TcpStream::connect(&self.address);
    }
}

fn serve(mut stream: TcpStream, log: &Log, replies: &Mutex<BTreeMap<String, Vec<Reply>>>) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let Some(Ok(request)) = lines.next() else {
        return;
    };
    let path = request.split(' ').nth(1).unwrap().to_owned();
    let mut range = None;
    for line in lines.map_while(Result::ok).take_while(|l| !l.is_empty()) {
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("range: ") {
            range = Some(value.to_owned());
        }
    }
    log.lock().unwrap().push((path.clone(), range.clone()));
    let reply = {
        let mut replies = replies.lock().unwrap();
        match replies.get_mut(&path) {
            Some(list) if list.len() > 1 => list.remove(0),
            Some(list) => list[0].clone(),
            None => Reply::Status(404),
        }
    };
    let start = range
        .as_deref()
        .and_then(|r| {
            r.strip_prefix("bytes=")?
                .strip_suffix('-')?
                .parse::<usize>()
                .ok()
        })
        .unwrap_or(0);
    let mut head = |status: &str, headers: &str| {
        let _ = write!(
            stream,
            "HTTP/1.1 {status}\r\nConnection: close\r\n{headers}\r\n"
        );
    };
    match reply {
        Reply::File(bytes) if start > 0 => {
            let total = bytes.len();
            if start >= total {
                head("416 Range Not Satisfiable", "Content-Length: 0\r\n");
                return;
            }
            head(
                "206 Partial Content",
                &format!(
                    "Content-Length: {}\r\nContent-Range: bytes {start}-{}/{total}\r\n",
                    total - start,
                    total - 1
                ),
            );
            let _ = stream.write_all(&bytes[start..]);
        }
        Reply::File(bytes) | Reply::NoRange(bytes) => {
            head("200 OK", &format!("Content-Length: {}\r\n", bytes.len()));
            let _ = stream.write_all(&bytes);
        }
        Reply::CutAfter(bytes, count) => {
            let rest = &bytes[start..];
            let total = bytes.len();
            if start > 0 {
                head(
                    "206 Partial Content",
                    &format!(
                        "Content-Length: {}\r\nContent-Range: bytes {start}-{}/{total}\r\n",
                        rest.len(),
                        total - 1
                    ),
                );
            } else {
                head("200 OK", &format!("Content-Length: {total}\r\n"));
            }
            let _ = stream.write_all(&rest[..count.min(rest.len())]);
        }
        Reply::Unsized(bytes) => {
            head("200 OK", "");
            let _ = stream.write_all(&bytes);
        }
        Reply::Status(code) => head(&format!("{code} Status"), "Content-Length: 0\r\n"),
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}

/// A file of `bytes` that is to be had at `urls`.
pub(crate) fn locked(name: &str, bytes: &[u8], urls: Vec<String>) -> LockedFile {
    LockedFile {
        name: name.to_owned(),
        sha256: sha256(bytes),
        size: bytes.len() as u64,
        urls,
    }
}

/// Bytes that no compressor or off-by-one survives.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as u8
        })
        .collect()
}
