//! A team that shares a cache: two members with a store each, and an HTTP server for the cache.
//!
//! Used by `share` and `share_faults`. Invariant: everything is below the repository's temporary
//! directory, and the server ends with its value.

use std::fs;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::env::{Ran, TestRepo, can_build, tree};

pub(crate) const RECIPES: &str = r#"
  lib = run "lib" ''
    mkdir -p $out/lib/deep/er
    for n in $(seq 200); do echo "file $n of the library" > $out/lib/deep/$n; done
    echo library > $out/lib/a
    : > $out/empty
    ln -s lib/a $out/link
    seq 1 80000 > $out/big
    printf '#!/bin/sh\necho hello\n' > $out/run
    chmod +x $out/run
    cp $out/run $out/lib/deep/er/not-run
    chmod -x $out/lib/deep/er/not-run
  '';
  tool = run "tool" "echo tool says; mkdir $out; echo tool > $out/tool";
  app = runWith "app" { inputs = [ { at = "/in/lib"; from = lib; } { at = "/in/tool"; from = tool; } ]; } ''
    echo the log of app
    mkdir $out
    cat /in/lib/lib/a /in/tool/tool > $out/app
    cp /in/lib/big /in/lib/run $out
  '';
  result = app;
"#;

/// A repository that two members share, each with a store, and a cache that one has filled.
pub(crate) struct Team {
    pub(crate) repo: TestRepo,
    pub(crate) cache: PathBuf,
    /// What member A built.
    pub(crate) built: PathBuf,
    /// The public key of A.
    pub(crate) key: String,
}

impl Team {
    /// A has built and pushed; the repository trusts A's key and names the cache.
    pub(crate) fn new(test: &str) -> Option<Team> {
        Team::with(test, RECIPES)
    }

    pub(crate) fn with(test: &str, recipes: &str) -> Option<Team> {
        if !can_build(test) {
            return None;
        }
        let repo = TestRepo::new(recipes);
        let built = repo.build().ok().path();
        let cache = repo.temp().join("cache");
        let mut team = Team {
            key: keygen(&repo, "team-a"),
            repo,
            cache,
            built,
        };
        team.configure(&[&team.key.clone()], 1, &team.url());
        let pushed = team.push("team-a").ok();
        assert!(pushed.out.starts_with("pushed "), "{}", pushed.out);
        team.member("b");
        Some(team)
    }

    pub(crate) fn url(&self) -> String {
        format!("file://{}", self.cache.display())
    }

    pub(crate) fn configure(&self, keys: &[&str], threshold: usize, url: &str) {
        self.write_config(keys, threshold, &[("team", url)]);
    }

    pub(crate) fn write_config(&self, keys: &[&str], threshold: usize, remotes: &[(&str, &str)]) {
        let keys: Vec<String> = keys.iter().map(|key| format!("\"{key}\"")).collect();
        let mut text = String::from("[inputs]\n");
        if !keys.is_empty() {
            text.push_str(&format!(
                "[trust]\nkeys = [{}]\nthreshold = {threshold}\n",
                keys.join(", ")
            ));
        }
        for (name, url) in remotes {
            text.push_str(&format!("[remote.{name}]\nurl = \"{url}\"\n"));
        }
        self.repo.write("flake-like.toml", &text);
    }

    /// Goes on as another member, whose store is empty.
    pub(crate) fn member(&mut self, name: &str) {
        let store = self.repo.temp().join(format!("store-{name}"));
        self.repo.set_store(store);
    }

    pub(crate) fn secret(&self, name: &str) -> String {
        secret(&self.repo, name)
    }

    pub(crate) fn push(&self, key: &str) -> Ran {
        let url = self.url();
        let secret = self.secret(key);
        self.repo
            .run(&["push", &url, "profiles/t.toml", "--key", &secret])
    }

    /// The build must give what A built, having built exactly `built`.
    pub(crate) fn assert_gives(&self, ran: Ran, built: &[&str]) -> String {
        let ran = ran.ok();
        let mut names = ran.building();
        names.sort_unstable();
        assert_eq!(names, built, "{}", ran.err);
        assert_eq!(tree(&ran.path()), tree(&self.built), "{}", ran.err);
        assert_ne!(ran.path(), self.built);
        self.repo.assert_sound();
        ran.err
    }

    /// The files of the cache below a folder.
    pub(crate) fn files(&self, folder: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for shard in fs::read_dir(self.cache.join(folder)).unwrap().flatten() {
            for entry in fs::read_dir(shard.path()).unwrap().flatten() {
                found.push(entry.path());
            }
        }
        found.sort();
        assert!(!found.is_empty(), "nothing in {folder}");
        found
    }
}

pub(crate) fn secret(repo: &TestRepo, name: &str) -> String {
    let path = repo.temp().join(format!("{name}.secret"));
    path.to_str().unwrap().to_owned()
}

pub(crate) fn keygen(repo: &TestRepo, name: &str) -> String {
    let made = repo.run(&["keygen", name, "-o", &secret(repo, name)]).ok();
    made.out.trim_end().to_owned()
}

pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}

/// How a server behaves.
#[derive(Clone)]
pub(crate) struct Behaviour {
    /// Whether it knows ranges.
    pub(crate) ranges: bool,
    /// After so many requests it closes every connection without an answer.
    pub(crate) dies_after: usize,
    /// Whether it closes the connection in the middle of each body.
    pub(crate) cuts: bool,
    /// Whether it takes connections and never answers.
    pub(crate) hangs: bool,
}

impl Default for Behaviour {
    fn default() -> Self {
        Behaviour {
            ranges: true,
            dies_after: usize::MAX,
            cuts: false,
            hangs: false,
        }
    }
}

/// A plain HTTP server for files, on the loopback, that ends with its value.
pub(crate) struct Server {
    port: u16,
    stop: Arc<AtomicBool>,
}

impl Server {
    pub(crate) fn start(root: &Path, behaviour: Behaviour) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let stop = Arc::new(AtomicBool::new(false));
        let (root, stopped) = (root.to_owned(), Arc::clone(&stop));
        let requests = Arc::new(AtomicUsize::new(0));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let (root, behaviour) = (root.clone(), behaviour.clone());
                let (requests, stopped) = (Arc::clone(&requests), Arc::clone(&stopped));
                std::thread::spawn(move || {
                    // A client that goes away is no concern of the server's.
                    let _ = serve(stream, &root, &behaviour, &requests, &stopped);
                });
            }
        });
        Server { port, stop }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the listener.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn serve(
    stream: TcpStream,
    root: &Path,
    behaviour: &Behaviour,
    requests: &AtomicUsize,
    stopped: &AtomicBool,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut stream = stream;
    loop {
        let mut first = String::new();
        if reader.read_line(&mut first)? == 0 {
            return Ok(());
        }
        let mut range = None;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(bytes) = line.strip_prefix("range: bytes=") {
                let (from, to) = bytes.split_once('-').unwrap();
                range = Some((from.parse::<u64>().unwrap(), to.parse::<u64>().unwrap()));
            }
        }
        if behaviour.hangs {
            while !stopped.load(Ordering::SeqCst) {
                std::thread::sleep(std::time::Duration::from_millis(50));
            }
            return Ok(());
        }
        if requests.fetch_add(1, Ordering::SeqCst) >= behaviour.dies_after {
            return Ok(());
        }
        let path = first.split(' ').nth(1).unwrap().trim_start_matches('/');
        let Ok(mut file) = fs::File::open(root.join(path)) else {
            stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")?;
            continue;
        };
        let size = file.metadata()?.len();
        let (head, from, length) = match range.filter(|_| behaviour.ranges) {
            Some((from, to)) => {
                let to = to.min(size - 1);
                let head =
                    format!("206 Partial Content\r\nContent-Range: bytes {from}-{to}/{size}");
                (head, from, to + 1 - from)
            }
            None => ("200 OK".to_owned(), 0, size),
        };
        file.seek(SeekFrom::Start(from))?;
        let mut body = Vec::new();
        file.take(length).read_to_end(&mut body)?;
        stream
            .write_all(format!("HTTP/1.1 {head}\r\nContent-Length: {length}\r\n\r\n").as_bytes())?;
        if behaviour.cuts && length > 1000 {
            stream.write_all(&body[..body.len() / 2])?;
            return Ok(());
        }
        stream.write_all(&body)?;
    }
}
