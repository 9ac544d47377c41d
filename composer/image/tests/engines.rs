//! Container engines run what is written: crun a layout, dockerd an archive that it loaded.
//!
//! Each test is skipped, aloud, where an engine is missing or cannot start. Invariant: an engine has its state in the
//! test's own directory and name space of mounts, and is stopped at the end, however the test ends.

mod support;

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};
use std::time::{Duration, Instant};

use support::{EPOCH, oci_spec, path, tool};
use xsc_image::oci::OciSpec;
use xsc_image::{Entry, Kind, Manifest, MemoryBlobs, oci, oci_bundle};

/// A program for x86-64 without a library: it writes `it runs` and ends with 7.
fn static_program() -> Vec<u8> {
    const SAID: &[u8] = b"it runs\n";
    const AT: u64 = 0x40_0000;
    let mut code = vec![0xb8, 1, 0, 0, 0, 0xbf, 1, 0, 0, 0]; // write, to 1
    code.extend([0x48, 0x8d, 0x35, 0x13, 0, 0, 0]); // what stands behind the code
    code.extend([0xba, SAID.len() as u8, 0, 0, 0, 0x0f, 0x05]);
    code.extend([0xb8, 60, 0, 0, 0, 0xbf, 7, 0, 0, 0, 0x0f, 0x05]); // exit, 7
    code.extend(SAID);
    let size = 120 + code.len() as u64;
    let mut elf = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    for half in [2u16, 62] {
        elf.extend(half.to_le_bytes());
    }
    elf.extend(1u32.to_le_bytes());
    for word in [AT + 120, 64, 0] {
        elf.extend(word.to_le_bytes());
    }
    elf.extend(0u32.to_le_bytes());
    for half in [64u16, 56, 1, 0, 0, 0] {
        elf.extend(half.to_le_bytes());
    }
    for half in [1u32, 5] {
        elf.extend(half.to_le_bytes());
    }
    for word in [0, AT, AT, size, size, 4096] {
        elf.extend(word.to_le_bytes());
    }
    elf.extend(code);
    elf
}

/// Whether a container can run here; says so if not.
fn can_run() -> bool {
    if !cfg!(target_arch = "x86_64") {
        println!("skipped: the program is one for x86-64");
        return false;
    }
    if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
        println!("skipped: only root may mount in a name space of its own here");
        return false;
    }
    true
}

/// A layout in `dir` whose entrypoint is the program.
fn layout(dir: &Path) -> PathBuf {
    let mut blobs = MemoryBlobs::default();
    let init = Entry::new(blobs.add(static_program())).with_mode(0o755);
    let entries = [
        (path("/init"), init),
        (path("/proc"), Entry::new(Kind::Directory)),
        (path("/dev"), Entry::new(Kind::Directory)),
        (path("/sys"), Entry::new(Kind::Directory)),
    ];
    let files = Manifest::from_entries(entries).unwrap();
    let layout = dir.join("layout");
    std::fs::create_dir(&layout).unwrap();
    let spec = OciSpec {
        entrypoint: &["/init".to_owned()],
        ..oci_spec(&files)
    };
    oci::write(&spec, &blobs, &layout).unwrap();
    layout
}

/// crun refuses a host with both kinds of control groups, so one is taken out of its sight.
const CRUN: &str = "umount /sys/fs/cgroup/unified 2>/dev/null
exec crun --cgroup-manager=disabled run --bundle \"$1\" \"$2\"";

#[test]
fn crun_runs_the_entrypoint_of_a_layout() {
    if !can_run() || tool("crun", &["--version"]).is_none() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let layout = layout(dir.path());
    let image = format!("{}:latest", layout.display());
    let bundle = dir.path().join("bundle");
    let arguments = ["unpack", "--image", &image, bundle.to_str().unwrap()];
    let Some(said) = tool("umoci", &arguments) else {
        return;
    };
    assert_eq!(said, "");
    // umoci asks for a terminal and for limits of control groups; the rest is the image's.
    let config = bundle.join("config.json");
    let text = std::fs::read(&config).unwrap();
    let mut document: serde_json::Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(document["process"]["args"], serde_json::json!(["/init"]));
    document["process"]["terminal"] = false.into();
    document["linux"]
        .as_object_mut()
        .unwrap()
        .remove("resources");
    let mounts = document["mounts"].as_array_mut().unwrap();
    mounts.retain(|mount| mount["type"] != "cgroup");
    std::fs::write(&config, document.to_string()).unwrap();
    let name = format!("xsc-image-{}", std::process::id());
    let ran = Command::new("unshare")
        .args(["--mount", "sh", "-c", CRUN, "sh"])
        .args([bundle.to_str().unwrap(), &name])
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(String::from_utf8_lossy(&ran.stdout), "it runs\n", "{error}");
    assert_eq!(ran.status.code(), Some(7), "{error}");
    assert_eq!(error, "");
}

/// What engines are found by, as in `tool`.
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// The control group that containers are in, with the test's process behind it.
const GROUP: &str = "xsc-image";

/// A daemon of its own: no bridge, no rules of a firewall, no store but copies, mounts that end with it.
struct Dockerd {
    child: Child,
    socket: String,
    log: PathBuf,
}

impl Dockerd {
    /// None, with the reason told, where it does not come up.
    fn start(dir: &Path) -> Option<Dockerd> {
        let place = |name: &str| dir.join(name).to_str().unwrap().to_owned();
        std::fs::write(place("daemon.json"), "{}").unwrap();
        let log = File::create(place("log")).unwrap();
        let socket = format!("unix://{}", place("socket"));
        let mut command = Command::new("unshare");
        command
            .env("PATH", PATH)
            .args(["--mount", "dockerd"])
            .args([
                "--storage-driver=vfs",
                "--bridge=none",
                "--iptables=false",
                "--ip-masq=false",
            ]);
        for (option, value) in [
            ("--config-file", place("daemon.json")),
            ("--data-root", place("data")),
            ("--exec-root", place("exec")),
            ("--pidfile", place("pid")),
            ("--host", socket.clone()),
            (
                "--cgroup-parent",
                format!("/{GROUP}-{}", std::process::id()),
            ),
        ] {
            command.args([option, &value]);
        }
        let child = command
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut daemon = Dockerd {
            child,
            socket,
            log: place("log").into(),
        };
        let begin = Instant::now();
        loop {
            if daemon.docker(&["version"]).status.success() {
                return Some(daemon);
            }
            let ended = daemon.child.try_wait().unwrap().is_some();
            if ended || begin.elapsed() > Duration::from_secs(60) {
                let log = std::fs::read_to_string(&daemon.log).unwrap();
                let last = log.lines().last().unwrap_or("it says nothing");
                println!("skipped: dockerd does not come up here: {last}");
                return None;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn docker(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new("docker");
        let docker = command.env("PATH", PATH).env_remove("DOCKER_HOST");
        docker
            .args(["--host", &self.socket])
            .args(arguments)
            .output()
            .unwrap()
    }

    /// What it says; it must succeed.
    fn says(&self, arguments: &[&str]) -> String {
        let output = self.docker(arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        let log = || std::fs::read_to_string(&self.log).unwrap();
        assert!(output.status.success(), "{arguments:?}: {error}\n{}", log());
        String::from_utf8(output.stdout)
            .unwrap()
            .trim_end()
            .to_owned()
    }
}

impl Drop for Dockerd {
    fn drop(&mut self) {
        let pid = self.child.id().to_string();
        // It ends its containers and containerd; killed, it would leave them.
        let _ = Command::new("kill").args(["-s", "TERM", &pid]).status();
        let begin = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) {
            if begin.elapsed() > Duration::from_secs(30) {
                let _ = self.child.kill();
                let _ = self.child.wait();
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        // It leaves the group that it was told, once a hierarchy where there are several.
        let group = format!("{GROUP}-{}", std::process::id());
        let top = Path::new("/sys/fs/cgroup");
        let below = std::fs::read_dir(top).into_iter().flatten().flatten();
        for hierarchy in below.map(|entry| entry.path()).chain([top.to_owned()]) {
            let _ = std::fs::remove_dir(hierarchy.join(&group));
        }
    }
}

#[test]
fn docker_loads_and_runs_an_archive() {
    let there = |name: &str| tool(name, &["--version"]).is_some();
    if !can_run() || !there("dockerd") || !there("docker") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let layout = layout(dir.path());
    let archive = dir.path().join("image.tar");
    let mut out = File::create(&archive).unwrap();
    oci_bundle::archive(&layout, "xsc/test:one", EPOCH, &mut out).unwrap();
    let Some(daemon) = Dockerd::start(dir.path()) else {
        return;
    };
    let archive = archive.to_str().unwrap();
    assert_eq!(
        daemon.says(&["load", "--input", archive]),
        "Loaded image: xsc/test:one"
    );
    let form = "{{.Os}}/{{.Architecture}} {{.Created}} {{.Config.Entrypoint}}";
    assert_eq!(
        daemon.says(&["image", "inspect", "--format", form, "xsc/test:one"]),
        "linux/amd64 2025-08-12T12:00:00Z [/init]"
    );
    let ran = daemon.docker(&["run", "--rm", "--network=none", "xsc/test:one"]);
    let error = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(String::from_utf8_lossy(&ran.stdout), "it runs\n", "{error}");
    assert_eq!((ran.status.code(), error.as_ref()), (Some(7), ""));
    // Layers that are not those of the configuration are refused.
    let mut broken = std::fs::read(archive).unwrap();
    let at = broken
        .windows(8)
        .position(|at| at == b"\"Layers\"")
        .unwrap();
    broken[at + 1] = b'M';
    std::fs::write(archive, &broken).unwrap();
    assert!(
        !daemon
            .docker(&["load", "--input", archive])
            .status
            .success()
    );
}
