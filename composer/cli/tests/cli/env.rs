//! The stage of the tests: a repository with recipes, its store, and the program to run on it.
//!
//! Used by every test here. Invariant: nothing outside a test's temporary directory is written,
//! and nothing of the user's environment reaches the program.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The SHA-256 of a file, as recipes have it.
pub(crate) fn sha256(path: &Path) -> String {
    let output = Command::new("sha256sum").arg(path).output().unwrap();
    String::from_utf8(output.stdout).unwrap()[..64].to_owned()
}

/// What every repository's root tree has in /usr/bin, beside `sh`.
const PROGRAMS: [&str; 25] = [
    "bash", "cat", "chmod", "cp", "cut", "date", "env", "head", "id", "ln", "ls", "mkdir",
    "mkfifo", "mv", "nproc", "rm", "seq", "sleep", "sort", "stat", "tail", "touch", "true",
    "uname", "wc",
];

/// What recipes of the tests start from; `root` is the tree with the programs.
const LIB: &str = r#"{ profile }:
rec {
  inherit (profile.profile) system;
  root = ../root;
  run = name: script: runWith name { } script;
  runWith = name: more: script: derivation ({
    inherit name system;
    builder = "/usr/bin/bash";
    args = [ "-euo" "pipefail" "-c" script ];
    env = { PATH = "/usr/bin"; };
  } // more // {
    inputs = [ { at = "/"; from = root; } ] ++ (more.inputs or [ ]);
  });
  step = name: builder: params: inputs: derivation { inherit name system builder params inputs; };
  fetch = name: sha256: size: urls:
    step name "builtin:fetch" { inherit name sha256 size urls; } [ ];
}
"#;

/// Every kind of image, of a tree `files` and an `initramfs` of it.
pub(crate) const IMAGES: &str = r#"
oci = step "oci" "builtin:oci" { epoch = 1735689600; reference = "t:latest"; command = [ "/init" ]; }
    [ { at = "/tree"; from = files; } ];
boot = run "boot" ''
    mkdir $out; head -c 30000 /dev/zero > $out/eltorito.img; head -c 512 /dev/zero > $out/boot_hybrid.img'';
esp = step "esp" "builtin:fat" { epoch = 1735689600; label = "ESP"; } [ { at = "/tree"; from = boot; } ];
iso = step "iso" "builtin:iso" { epoch = 1735689600; file = "t.iso"; volumeId = "T"; } [
    { at = "/tree"; from = files; } { at = "/loader"; from = boot; } { at = "/esp"; from = esp; } ];
result = step "images" "builtin:merge" { } [
    { at = "/initramfs"; from = initramfs; } { at = "/oci"; from = oci; } { at = "/iso"; from = iso; } ];
"#;

pub(crate) const PROFILE: &str = r#"[profile]
name = "t"
description = "A profile of the tests"
system = "x86_64-linux"
variant = "base"
modules = []
images = []
"#;

/// Why no build can run here, if so.
fn no_sandbox() -> Option<&'static str> {
    static REASON: OnceLock<Option<String>> = OnceLock::new();
    let probe = || {
        let flags = [
            "--user",
            "--map-root-user",
            "--mount",
            "--net",
            "--pid",
            "--fork",
            "true",
        ];
        let output = Command::new("unshare").args(flags).output().ok()?;
        let error = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        (!output.status.success()).then_some(error)
    };
    REASON.get_or_init(probe).as_deref()
}

/// Whether builds can run here; says so if not.
#[must_use]
pub(crate) fn can_build(test: &str) -> bool {
    if cfg!(not(target_arch = "x86_64")) {
        println!("SKIP {test}: the profile of the tests is for x86_64");
        return false;
    }
    match no_sandbox() {
        None => true,
        Some(reason) => {
            println!("SKIP {test}: no namespaces: {reason}");
            false
        }
    }
}

pub(crate) fn is_root() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    status.lines().any(|line| line.starts_with("Uid:\t0\t0"))
}

/// The host's programs and the libraries they load: source and place in a root tree.
fn host_files() -> &'static BTreeMap<PathBuf, String> {
    static FILES: OnceLock<BTreeMap<PathBuf, String>> = OnceLock::new();
    FILES.get_or_init(|| {
        let mut files = BTreeMap::new();
        for program in PROGRAMS {
            let from = Path::new("/usr/bin").join(program);
            let listing = Command::new("ldd").arg(&from).output();
            let listing = listing.expect("the tests need ldd");
            files.insert(from, format!("usr/bin/{program}"));
            // A static program makes ldd fail, and has nothing to list.
            for file in String::from_utf8_lossy(&listing.stdout)
                .split_whitespace()
                .filter(|word| word.starts_with('/') && !word.ends_with(':'))
            {
                files.insert(file.into(), file[1..].to_owned());
            }
        }
        files
    })
}

/// What a run of the program came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn new(output: Output) -> Self {
        Ran {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// It must have succeeded.
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "{}\n{}", self.out, self.err);
        self
    }

    /// It must have ended with that code and have said each of these on standard error, and
    /// nothing on standard output.
    pub(crate) fn fails(self, code: i32, said: &[&str]) -> Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.out, self.err);
        assert_eq!(self.out, "", "a failure has no result\n{}", self.err);
        for text in said {
            assert!(self.err.contains(text), "no `{text}` in:\n{}", self.err);
        }
        assert!(!self.err.contains("panicked"), "{}", self.err);
        self
    }

    /// The names of what was built, in order.
    #[must_use]
    pub(crate) fn building(&self) -> Vec<&str> {
        let names = self
            .err
            .lines()
            .filter_map(|line| line.strip_prefix("building "));
        names.map(|name| name.split(' ').next().unwrap()).collect()
    }

    /// The one path that it printed.
    #[must_use]
    pub(crate) fn path(&self) -> PathBuf {
        assert_eq!(self.out.lines().count(), 1, "{}", self.out);
        PathBuf::from(self.out.trim_end())
    }

    /// The JSON that it printed.
    #[must_use]
    pub(crate) fn json(&self) -> serde_json::Value {
        let value: serde_json::Value = serde_json::from_str(&self.out).unwrap();
        assert_eq!(value["version"], 1, "every document has its version");
        value
    }

    /// What follows `hint: ` and this prefix, on one line.
    #[must_use]
    pub(crate) fn hint(&self, prefix: &str) -> &str {
        let prefix = format!("hint: {prefix}");
        let mut lines = self.err.lines();
        lines
            .find_map(|line| line.strip_prefix(prefix.as_str()))
            .unwrap_or_else(|| panic!("no `{prefix}` in:\n{}", self.err))
    }
}

/// A repository with a profile, recipes and a root tree, and a store beside it.
pub(crate) struct TestRepo {
    temp: TempDir,
    store: PathBuf,
}

impl TestRepo {
    /// `attrs` are the attributes of images/default.nix, which sees all of `LIB`.
    pub(crate) fn new(attrs: &str) -> Self {
        let temp = tempfile::Builder::new()
            .prefix("xsc-cli-")
            .tempdir()
            .unwrap();
        fs::set_permissions(temp.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let store = temp.path().join("store");
        let repo = TestRepo { temp, store };
        fs::create_dir_all(repo.temp.path().join("home")).unwrap();
        for (from, to) in host_files() {
            let to = repo.dir().join("root").join(to);
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(from, to).unwrap();
        }
        symlink("bash", repo.dir().join("root/usr/bin/sh")).unwrap();
        repo.write("flake-like.toml", "[inputs]\n");
        repo.write("flake-like.lock", "version = 1\n");
        repo.write("profiles/t.toml", PROFILE);
        repo.write("images/lib.nix", LIB);
        repo.recipes(attrs);
        repo
    }

    /// The temporary directory that holds repository, store and home.
    pub(crate) fn temp(&self) -> &Path {
        self.temp.path()
    }

    pub(crate) fn dir(&self) -> PathBuf {
        self.temp.path().join("repo")
    }

    /// A word that no other test has, for `processes_of` to find what a build runs.
    pub(crate) fn marker(&self) -> String {
        let name = self.temp.path().file_name().unwrap();
        name.to_str().unwrap().to_owned()
    }

    pub(crate) fn store(&self) -> &Path {
        &self.store
    }

    /// Uses another store from here on.
    pub(crate) fn set_store(&mut self, store: PathBuf) {
        self.store = store;
    }

    /// Writes a file of the repository.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.dir().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Replaces the attributes of images/default.nix.
    pub(crate) fn recipes(&self, attrs: &str) {
        let head = "{ profile, inputs }:\nwith import ./lib.nix { inherit profile; };\nrec {\n";
        self.write("images/default.nix", &format!("{head}{attrs}\n}}\n"));
    }

    /// The program with the environment of the tests, in the repository, with the store named.
    #[must_use]
    pub(crate) fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        self.command_of(Path::new(env!("CARGO_BIN_EXE_xsc-compose")), args)
    }

    /// The same with a copy of the program.
    #[must_use]
    pub(crate) fn command_of<S: AsRef<OsStr>>(
        &self,
        program: &Path,
        args: impl IntoIterator<Item = S>,
    ) -> Command {
        let mut command = Command::new(program);
        command
            .args(args)
            .arg("--store")
            .arg(&self.store)
            .current_dir(self.dir())
            .env_clear()
            .env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin")
            .env("HOME", self.temp.path().join("home"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// The same as an ordinary user that may write below `home` only; needs root.
    #[must_use]
    pub(crate) fn command_as_nobody(&self, home: &Path, args: &[&str]) -> Command {
        // Where cargo put the program, another user may not reach it.
        let program = self.temp.path().join("xsc-compose");
        if !program.exists() {
            fs::copy(env!("CARGO_BIN_EXE_xsc-compose"), &program).unwrap();
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let user = ["--reuid=65534", "--regid=65534", "--clear-groups"];
        let words = [&user[..], &[program.to_str().unwrap()], args].concat();
        let mut command = self.command_of(Path::new("setpriv"), words);
        command.env("HOME", home);
        command
    }

    #[must_use]
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        Ran::new(self.command(args).output().unwrap())
    }

    /// The program with `text` on its standard input.
    #[must_use]
    pub(crate) fn run_with_input(&self, args: &[&str], text: &str) -> Ran {
        let mut child = self.command(args).stdin(Stdio::piped()).spawn().unwrap();
        // It may have ended before it read everything.
        let _ = child.stdin.take().unwrap().write_all(text.as_bytes());
        Ran::new(child.wait_with_output().unwrap())
    }

    /// Builds the profile.
    #[must_use]
    pub(crate) fn build(&self) -> Ran {
        self.build_with(&[])
    }

    #[must_use]
    pub(crate) fn build_with(&self, flags: &[&str]) -> Ran {
        self.run(&[&["build", "profiles/t.toml"], flags].concat())
    }

    #[must_use]
    pub(crate) fn spawn_build(&self, flags: &[&str]) -> Child {
        let args = [&["build", "profiles/t.toml"], flags].concat();
        self.command(args).spawn().unwrap()
    }

    /// `store verify` must find nothing wrong.
    pub(crate) fn assert_sound(&self) {
        let report = self.run(&["store", "verify", "--json"]).ok().json();
        assert_eq!(report["damage"], serde_json::json!([]), "{report}");
    }
}

/// Waits for something that another process brings about; panics after a minute.
pub(crate) fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !done() {
        let waited = begin.elapsed();
        assert!(waited < Duration::from_secs(60), "{what} did not come");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Sends a signal to one process.
pub(crate) fn signal(name: &str, pid: u32) {
    let status = Command::new("bash")
        .args(["-c", "kill -s \"$0\" \"$1\"", name, &pid.to_string()])
        .status()
        .unwrap();
    assert!(status.success(), "cannot send {name} to {pid}");
}

/// The processes that have a repository's temporary directory, or its name, on their command line,
/// in their environment or mounted.
#[must_use]
pub(crate) fn processes_of(temp: &Path) -> Vec<String> {
    let needle = temp.file_name().unwrap().to_str().unwrap();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap_or_default();
        if !name.bytes().all(|b| b.is_ascii_digit()) || name == std::process::id().to_string() {
            continue;
        }
        // A process may end while it is being looked at.
        let read = |file: &str| fs::read(entry.path().join(file)).unwrap_or_default();
        let (mounts, command, environment) = (read("mountinfo"), read("cmdline"), read("environ"));
        let has = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains(needle);
        if has(&mounts) || has(&command) || has(&environment) {
            found.push(format!("{name}: {}", String::from_utf8_lossy(&command)));
        }
    }
    found
}

/// Everything below a directory: path, kind, mode and content of each entry.
#[must_use]
pub(crate) fn tree(dir: &Path) -> BTreeMap<String, (u32, Vec<u8>)> {
    fn walk(dir: &Path, below: &str, found: &mut BTreeMap<String, (u32, Vec<u8>)>) {
        for entry in fs::read_dir(dir).unwrap() {
            let entry = entry.unwrap();
            let path = format!("{below}/{}", entry.file_name().into_string().unwrap());
            let meta = fs::symlink_metadata(entry.path()).unwrap();
            let content = if meta.is_symlink() {
                let target = fs::read_link(entry.path()).unwrap();
                target.into_os_string().into_string().unwrap().into_bytes()
            } else if meta.is_file() {
                fs::read(entry.path()).unwrap()
            } else {
                walk(&entry.path(), &path, found);
                Vec::new()
            };
            found.insert(path, (meta.permissions().mode(), content));
        }
    }
    let mut found = BTreeMap::new();
    walk(dir, "", &mut found);
    found
}
