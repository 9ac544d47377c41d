//! Downloads against a loopback server: resume, retry, next location, wrong files, cancelling.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::{Reply, Server, locked, noise, sha256};
use xsc_fetch::{DownloadError, DownloadOptions, Downloader, FetchObserver, Mirrors, Silent};

fn downloader() -> Downloader {
    downloader_with(Mirrors::default())
}

fn downloader_with(mirrors: Mirrors) -> Downloader {
    let options = DownloadOptions {
        back_off: Duration::from_millis(1),
        ..DownloadOptions::default()
    };
    Downloader::new(mirrors, options).unwrap()
}

static GO: AtomicBool = AtomicBool::new(false);

/// An address where nobody listens: the port was ours a moment ago.
fn dead_address() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[test]
fn fetches_once_and_then_not_again() {
    let bytes = noise(300_000);
    let server = Server::one("/f", vec![Reply::File(bytes.clone())]);
    let dir = tempfile::tempdir().unwrap();
    let file = locked("f", &bytes, vec![server.url("/f")]);
    for _ in 0..2 {
        let path = downloader()
            .download(&file, dir.path(), &Silent, &GO)
            .unwrap();
        assert_eq!(fs::read(path).unwrap(), bytes);
    }
    assert_eq!(server.log().len(), 1);
    assert_eq!(
        fs::read_dir(dir.path()).unwrap().count(),
        1,
        "no part file is left"
    );
}

#[test]
fn resumes_from_where_the_connection_broke() {
    let bytes = noise(200_000);
    let server = Server::one(
        "/f",
        vec![
            Reply::CutAfter(bytes.clone(), 70_000),
            Reply::File(bytes.clone()),
        ],
    );
    let dir = tempfile::tempdir().unwrap();
    let file = locked("f", &bytes, vec![server.url("/f")]);
    let path = downloader()
        .download(&file, dir.path(), &Silent, &GO)
        .unwrap();
    assert_eq!(fs::read(path).unwrap(), bytes);
    let ranges: Vec<_> = server.log().into_iter().map(|(_, range)| range).collect();
    assert_eq!(ranges, [None, Some("bytes=70000-".to_owned())]);
}

#[test]
fn resumes_after_a_kill_from_another_location() {
    let bytes = noise(100_000);
    let server = Server::one("/f", vec![Reply::File(bytes.clone())]);
    let dir = tempfile::tempdir().unwrap();
    let file = locked("f", &bytes, vec![dead_address() + "/f", server.url("/f")]);
    let path = Downloader::path_of(&file, dir.path());
    let part = format!("{}.part", path.display());
    fs::write(&part, &bytes[..40_000]).unwrap();
    downloader()
        .download(&file, dir.path(), &Silent, &GO)
        .unwrap();
    assert_eq!(fs::read(path).unwrap(), bytes);
    assert_eq!(server.log()[0].1.as_deref(), Some("bytes=40000-"));
}

#[test]
fn rotten_bytes_of_an_earlier_run_are_fetched_again() {
    let bytes = noise(100_000);
    let server = Server::one("/f", vec![Reply::File(bytes.clone())]);
    let dir = tempfile::tempdir().unwrap();
    let file = locked("f", &bytes, vec![server.url("/f")]);
    let path = Downloader::path_of(&file, dir.path());
    for rotten in [vec![7; 40_000], vec![7; 100_000], vec![7; 100_001]] {
        fs::write(format!("{}.part", path.display()), rotten).unwrap();
        downloader()
            .download(&file, dir.path(), &Silent, &GO)
            .unwrap();
        assert_eq!(fs::read(&path).unwrap(), bytes);
        fs::remove_file(&path).unwrap();
    }
    assert_eq!(
        fs::read_dir(dir.path()).unwrap().count(),
        0,
        "nothing is put aside"
    );
}

#[test]
fn a_server_that_can_t_resume_sends_all() {
    let bytes = noise(100_000);
    let server = Server::one(
        "/f",
        vec![
            Reply::CutAfter(bytes.clone(), 10),
            Reply::NoRange(bytes.clone()),
        ],
    );
    let dir = tempfile::tempdir().unwrap();
    let file = locked("f", &bytes, vec![server.url("/f")]);
    let path = downloader()
        .download(&file, dir.path(), &Silent, &GO)
        .unwrap();
    assert_eq!(fs::read(path).unwrap(), bytes);
}

#[test]
fn a_final_file_that_rotted_is_replaced() {
    let bytes = noise(1000);
    let server = Server::one("/f", vec![Reply::File(bytes.clone())]);
    let dir = tempfile::tempdir().unwrap();
    let file = locked("f", &bytes, vec![server.url("/f")]);
    let path = Downloader::path_of(&file, dir.path());
    fs::write(&path, b"rot").unwrap();
    downloader()
        .download(&file, dir.path(), &Silent, &GO)
        .unwrap();
    assert_eq!(fs::read(path).unwrap(), bytes);
}

#[test]
fn a_wrong_file_is_kept_aside_and_both_hashes_told() {
    let (good, bad) = (noise(5000), b"<html>log in first</html>".to_vec());
    let server = Server::one("/f", vec![Reply::File(bad.clone())]);
    let dir = tempfile::tempdir().unwrap();
    let file = locked(
        "f.deb",
        &good,
        vec![server.url("/f"), dead_address() + "/f"],
    );
    let error = downloader()
        .download(&file, dir.path(), &Silent, &GO)
        .unwrap_err();
    let shown = error.to_string();
    let DownloadError::HashMismatch {
        name,
        url,
        expected,
        got,
        kept_at,
    } = error
    else {
        panic!("{error}");
    };
    assert_eq!((name.as_str(), url), ("f.deb", server.url("/f")));
    assert_eq!((&expected, &got), (&sha256(&good), &sha256(&bad)));
    assert!(shown.contains(&expected) && shown.contains(&got), "{shown}");
    assert_eq!(fs::read(&kept_at).unwrap(), bad);
    let name = format!("f.deb.wrong-{}", &got[..16]);
    assert_eq!(kept_at, dir.path().join(name));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    assert_eq!(server.log().len(), 1, "a wrong file is not asked for again");
}

#[test]
fn a_wrong_file_of_one_location_does_not_matter_if_another_is_right() {
    let good = noise(5000);
    let wrong = Server::one("/f", vec![Reply::File(noise(6000))]);
    let right = Server::one("/f", vec![Reply::File(good.clone())]);
    let dir = tempfile::tempdir().unwrap();
    let file = locked("f", &good, vec![wrong.url("/f"), right.url("/f")]);
    let path = downloader()
        .download(&file, dir.path(), &Silent, &GO)
        .unwrap();
    assert_eq!(fs::read(path).unwrap(), good);
}

#[test]
fn an_endless_file_is_cut_off() {
    let good = noise(10);
    let server = Server::one("/f", vec![Reply::Unsized(noise(3 << 20))]);
    let dir = tempfile::tempdir().unwrap();
    let file = locked("f", &good, vec![server.url("/f")]);
    let error = downloader()
        .download(&file, dir.path(), &Silent, &GO)
        .unwrap_err();
    assert!(error.to_string().contains("sent more than"), "{error}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn every_location_and_its_fault_is_listed() {
    let bytes = noise(1000);
    let server = Server::start(BTreeMap::from([
        ("/busy".to_owned(), vec![Reply::Status(503)]),
        ("/cut".to_owned(), vec![Reply::CutAfter(bytes.clone(), 0)]),
        (
            "/short".to_owned(),
            vec![Reply::Unsized(bytes[..10].to_vec())],
        ),
    ]));
    let dir = tempfile::tempdir().unwrap();
    let dead = dead_address();
    let urls = vec![
        dead.clone() + "/f",
        server.url("/absent"),
        server.url("/busy"),
        server.url("/cut"),
        server.url("/short"),
        "mirror://nowhere/f".to_owned(),
        "file:///nonexistent/f".to_owned(),
    ];
    let file = locked("f", &bytes, urls);
    let error = downloader()
        .download(&file, dir.path(), &Silent, &GO)
        .unwrap_err();
    let DownloadError::Unreachable { faults, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(faults.len(), 7);
    let shown = error.to_string();
    for expected in [
        format!("{dead}/f: "),
        "refused".to_owned(),
        "/absent: HTTP 404 Not Found".to_owned(),
        "/busy: HTTP 503 Service Unavailable".to_owned(),
        "/short: ended after 10 of 1000 bytes".to_owned(),
        "XSC_MIRROR_NOWHERE".to_owned(),
        "file:///nonexistent/f: No such file".to_owned(),
    ] {
        assert!(shown.contains(&expected), "{expected} in {shown}");
    }
    let asked = |path: &str| server.log().iter().filter(|(p, _)| p == path).count();
    assert_eq!(asked("/absent"), 1, "what is not there is asked for once");
    assert_eq!(asked("/busy"), 4, "what may come back is asked for again");
}

#[test]
fn mirrors_and_files_on_disk_are_locations() {
    let bytes = noise(1000);
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("source"), &bytes).unwrap();
    let mut mirrors = Mirrors::default();
    let here = format!("file://{}", dir.path().display());
    mirrors.set("m", vec![dead_address(), here]);
    let file = locked("f", &bytes, vec!["mirror://m/source".to_owned()]);
    let out = dir.path().join("a/b");
    let path = downloader_with(mirrors)
        .download(&file, &out, &Silent, &GO)
        .unwrap();
    assert_eq!(fs::read(path).unwrap(), bytes);
}

#[test]
fn an_empty_file_is_a_file() {
    let server = Server::one("/f", vec![Reply::File(Vec::new())]);
    let dir = tempfile::tempdir().unwrap();
    let file = locked("f", b"", vec![server.url("/f")]);
    let path = downloader()
        .download(&file, dir.path(), &Silent, &GO)
        .unwrap();
    assert_eq!(fs::read(path).unwrap(), b"");
}

#[derive(Default)]
struct Counting {
    received: Mutex<BTreeMap<String, u64>>,
    finished: Mutex<Vec<String>>,
}

impl FetchObserver for Counting {
    fn received(&self, file: &str, bytes: u64) {
        *self
            .received
            .lock()
            .unwrap()
            .entry(file.to_owned())
            .or_default() += bytes;
    }
    fn finished(&self, file: &str) {
        self.finished.lock().unwrap().push(file.to_owned());
    }
}

#[test]
fn many_files_in_parallel_in_the_order_asked() {
    let contents: Vec<Vec<u8>> = (0..20).map(|i| noise(1000 * (i + 1))).collect();
    let paths = contents.iter().enumerate();
    let server = Server::start(
        paths
            .map(|(i, c)| (format!("/{i}"), vec![Reply::File(c.clone())]))
            .collect(),
    );
    let files: Vec<_> = contents
        .iter()
        .enumerate()
        .map(|(i, c)| locked(&format!("f{i}"), c, vec![server.url(&format!("/{i}"))]))
        .collect();
    let dir = tempfile::tempdir().unwrap();
    let observer = Counting::default();
    let list: Vec<_> = files.iter().collect();
    let fetched = downloader()
        .download_all(&list, dir.path(), 4, &observer, &GO)
        .unwrap();
    for (path, content) in fetched.iter().zip(&contents) {
        assert_eq!(&fs::read(path).unwrap(), content);
    }
    assert_eq!(observer.received.lock().unwrap()["f7"], 8000);
    assert_eq!(observer.finished.lock().unwrap().len(), 20);
}

#[test]
fn one_failure_fails_all_with_its_own_error() {
    let bytes = noise(100);
    let server = Server::one("/f", vec![Reply::File(bytes.clone())]);
    let good = locked("good", &bytes, vec![server.url("/f")]);
    let bad = locked("bad", &noise(10), vec![server.url("/absent")]);
    let dir = tempfile::tempdir().unwrap();
    let error = downloader()
        .download_all(&[&good, &bad, &good], dir.path(), 2, &Silent, &GO)
        .unwrap_err();
    assert!(
        matches!(&error, DownloadError::Unreachable { name, .. } if name == "bad"),
        "{error}"
    );
}

/// Sets the flag once bytes have come.
struct CancelAtFirstByte<'a>(&'a AtomicBool);

impl FetchObserver for CancelAtFirstByte<'_> {
    fn received(&self, _: &str, _: u64) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_cancelled_download_keeps_its_bytes() {
    let bytes = noise(4 << 20);
    let server = Server::one("/f", vec![Reply::File(bytes.clone())]);
    let dir = tempfile::tempdir().unwrap();
    let file = locked("f", &bytes, vec![server.url("/f")]);
    let cancel = AtomicBool::new(false);
    let observer = CancelAtFirstByte(&cancel);
    let error = downloader()
        .download(&file, dir.path(), &observer, &cancel)
        .unwrap_err();
    assert!(matches!(error, DownloadError::Cancelled { .. }), "{error}");
    let path = downloader()
        .download(&file, dir.path(), &Silent, &GO)
        .unwrap();
    assert_eq!(fs::read(path).unwrap(), bytes);
    assert!(
        server.log()[1].1.is_some(),
        "the second run resumed: {:?}",
        server.log()
    );
}

#[test]
fn two_downloads_of_one_file_at_once_give_one_file() {
    let bytes = noise(2 << 20);
    let server = Server::one("/f", vec![Reply::File(bytes.clone())]);
    let dir = tempfile::tempdir().unwrap();
    let file = locked("f", &bytes, vec![server.url("/f")]);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let path = downloader()
                    .download(&file, dir.path(), &Silent, &GO)
                    .unwrap();
                assert_eq!(sha256(&fs::read(path).unwrap()), file.sha256);
            });
        }
    });
    assert_eq!(server.log().len(), 1);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn a_full_disk_is_said_to_be_full() {
    // /dev/full takes any write with "no space left", so a part file that leads there shows the message.
    let bytes = noise(1000);
    let server = Server::one("/f", vec![Reply::File(bytes.clone())]);
    let dir = tempfile::tempdir().unwrap();
    let file = locked("f", &bytes, vec![server.url("/f")]);
    let path = Downloader::path_of(&file, dir.path());
    std::os::unix::fs::symlink("/dev/full", format!("{}.part", path.display())).unwrap();
    let error = downloader()
        .download(&file, dir.path(), &Silent, &GO)
        .unwrap_err();
    assert!(
        matches!(error, DownloadError::DiskFull { size: 1000, .. }),
        "{error:?}"
    );
    assert!(
        error.to_string().starts_with("no space left for "),
        "{error}"
    );
}
