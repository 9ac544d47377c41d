//! Builds on a real engine, buildbox-casd, and endpoints that are not there. `composer/remote/tests/casd.sh` fetches
//! the engine, `./x runner` makes the runner; without them these tests say so and are skipped.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::env::{Ran, TestRepo, can_build, is_root};

/// Three steps, of which the second has a writable input, two outputs and granted processors.
const CHAIN: &str = r#"
one = run "one" ''
  mkdir -p $out/bin
  printf '#!/usr/bin/bash\necho hello\n' > $out/bin/hello; chmod +x $out/bin/hello
  ln -s hello $out/bin/link; : > $out/empty; mkdir $out/nothing
  echo building one
'';
two = derivation {
  name = "two"; inherit system;
  builder = "/usr/bin/bash";
  args = [ "-euo" "pipefail" "-c" ''
    mkdir $out $dev
    test "$(/src/bin/hello)" = hello
    echo more >> /src/bin/hello
    cp /src/bin/hello $out/changed
    id -u > $out/id; date +%s > $out/date; uname -n > $out/host
    ls /proc/self/fd > /dev/null
    test "$XSC_CORES" -ge 1
    head -c 3000000 /dev/zero > $dev/large
    echo building two
  '' ];
  env = { PATH = "/usr/bin"; };
  outputs = [ "dev" "out" ];
  parallel = true;
  inputs = [ { at = "/"; from = root; } { at = "/src"; from = one; writable = true; } ];
};
three = runWith "three" { inputs = [ { at = "/in"; from = two; } ]; } ''
  mkdir $out; cat /in/id /in/date /in/host > $out/all; cat $out/all
'';
result = three;
"#;

/// A running buildbox-casd; it and what it started end with this value.
struct Casd {
    child: Child,
    url: String,
    log: PathBuf,
}

impl Casd {
    /// `None`, and a line that says why, where there is none to be had.
    fn start(test: &str, dir: &Path) -> Option<Casd> {
        let skip = |reason: &str| {
            println!("skipped: {test}: {reason}");
            None
        };
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let home = std::env::var_os("HOME").map(PathBuf::from);
        let cache = cache.or_else(|| home.map(|home| home.join(".cache")))?;
        let programs = cache.join("xsc-tests/casd-2.8.1");
        if !programs.join("buildbox-casd").exists() {
            return skip("no buildbox-casd; composer/remote/tests/casd.sh fetches it");
        }
        if !runner().exists() {
            return skip("no static runner beside the composer; ./x runner makes it");
        }
        let paths = std::env::var_os("PATH").unwrap_or_default();
        if !std::env::split_paths(&paths).any(|dir| dir.join("bwrap").exists()) {
            return skip("no bwrap; the package bubblewrap has it");
        }
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let log = dir.join("casd.log");
        let output = File::create(&log).unwrap();
        let child = Command::new(programs.join("buildbox-casd"))
            .arg(format!("--bind={port}"))
            .arg(format!(
                "--buildbox-run={}",
                programs.join("buildbox-run").display()
            ))
            .args(["--jobs=2", "--cache-failures=false", "--log-level=info"])
            .arg(dir.join("casd"))
            .stdin(Stdio::null())
            .stderr(output.try_clone().unwrap())
            .stdout(output)
            .spawn()
            .unwrap();
        let engine = Casd {
            child,
            url: format!("grpc://{port}"),
            log,
        };
        let deadline = Instant::now() + Duration::from_secs(60);
        while !engine.said("Server listening") {
            assert!(Instant::now() < deadline, "casd does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(engine)
    }

    fn said(&self, text: &str) -> bool {
        fs::read_to_string(&self.log).is_ok_and(|log| log.contains(text))
    }

    fn count(&self, text: &str) -> usize {
        let log = fs::read_to_string(&self.log).unwrap();
        log.lines().filter(|line| line.contains(text)).count()
    }

    /// How many actions it was asked to run.
    fn asked(&self) -> usize {
        self.count("] [INFO] Execute request from ")
    }

    /// How many actions it has run.
    fn executed(&self) -> usize {
        self.count("] [INFO] Runner exited with code ")
    }
}

impl Drop for Casd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn runner() -> PathBuf {
    let name = format!("xsc-runner.{}-linux", std::env::consts::ARCH);
    Path::new(env!("CARGO_BIN_EXE_xsc-compose")).with_file_name(name)
}

/// Writes the user's configuration with one engine.
fn configure(repo: &TestRepo, url: &str, more: &str) {
    let dir = repo.temp().join("home/.config/xsc-compose");
    fs::create_dir_all(&dir).unwrap();
    let text = format!(
        "[remote.engine]\nurl = \"{url}\"\nprofile = \"buildbox\"\nconnect-timeout = 60\n{more}\n"
    );
    fs::write(dir.join("config.toml"), text).unwrap();
}

/// An address that nothing listens at.
fn nobody() -> String {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("grpc://{}", free.local_addr().unwrap())
}

fn tree_of(ran: &Ran) -> String {
    let path = ran.path();
    path.file_name().unwrap().to_string_lossy().into_owned()
}

#[test]
fn what_an_engine_builds_is_bit_for_bit_what_is_built_here() {
    let test = "what_an_engine_builds_is_bit_for_bit_what_is_built_here";
    if !can_build(test) {
        return;
    }
    let mut repo = TestRepo::new(CHAIN);
    let Some(engine) = Casd::start(test, repo.temp()) else {
        return;
    };
    let here = repo.build().ok();
    repo.set_store(repo.temp().join("second"));
    configure(&repo, &engine.url, "execute = true");
    let there = repo.build_with(&["--require-remote", "--no-link"]).ok();
    assert_eq!(tree_of(&here), tree_of(&there), "{}", there.err);
    assert_eq!(engine.executed(), 3);
    assert_eq!(there.building().len(), 3);
    // Each log came back, and says what was reached.
    let log = repo.run(&["log", "profiles/t.toml", "two"]).ok();
    assert_eq!(log.out, "building two\n");
    let shown = repo.run(&["show", "profiles/t.toml", "two", "--json"]).ok();
    assert!(
        shown.out.contains("clock") || shown.out.contains("two"),
        "{}",
        shown.out
    );
    repo.assert_sound();
    // Another member, who believes the engine: nothing is run.
    repo.set_store(repo.temp().join("third"));
    configure(&repo, &engine.url, "execute = true\ntrust-engine = true");
    let again = repo.build_with(&["--require-remote", "--no-link"]).ok();
    assert_eq!(tree_of(&here), tree_of(&again));
    assert_eq!((engine.asked(), engine.executed()), (6, 3), "{}", again.err);
}

#[test]
fn a_member_with_an_empty_store_builds_nothing_that_another_built_on_the_engine() {
    let test = "a_member_with_an_empty_store_builds_nothing_that_another_built_on_the_engine";
    if !can_build(test) {
        return;
    }
    let mut repo = TestRepo::new(CHAIN);
    let Some(engine) = Casd::start(test, repo.temp()) else {
        return;
    };
    let keygen = repo.run(&["keygen", "team-a", "-o", "team-a.secret"]).ok();
    let key = keygen.out.trim().to_owned();
    repo.write(
        "flake-like.toml",
        &format!("[inputs]\n[trust]\nkeys = [\"{key}\"]\n"),
    );
    configure(&repo, &engine.url, "execute = true\npush = true");
    let dir = repo.temp().join("home/.config/xsc-compose");
    let config = fs::read_to_string(dir.join("config.toml")).unwrap();
    let secret = repo.dir().join("team-a.secret");
    let config = format!("signing-key = \"{}\"\n{config}", secret.display());
    fs::write(dir.join("config.toml"), config).unwrap();
    let first = repo.build_with(&["--require-remote", "--no-link"]).ok();
    assert_eq!(engine.executed(), 3, "{}", first.err);

    repo.set_store(repo.temp().join("second"));
    let config = format!(
        "[remote.engine]\nurl = \"{}\"\nconnect-timeout = 60\n",
        engine.url
    );
    fs::write(dir.join("config.toml"), config).unwrap();
    let second = repo.build().ok();
    assert_eq!(tree_of(&first), tree_of(&second));
    assert_eq!(second.building(), [""; 0], "{}", second.err);
    assert_eq!(engine.asked(), 3);
    repo.assert_sound();
    // Built here, by a third who asks nobody, it is the same.
    repo.set_store(repo.temp().join("third"));
    let third = repo.build_with(&["--no-substitutes", "--no-link"]).ok();
    assert_eq!(third.building().len(), 3);
    assert_eq!(tree_of(&first), tree_of(&third));
    // An engine that is gone is waited for and spoken of once, for caches and commands together.
    drop(engine);
    repo.set_store(repo.temp().join("fourth"));
    let config = fs::read_to_string(dir.join("config.toml")).unwrap();
    fs::write(dir.join("config.toml"), format!("{config}execute = true\n")).unwrap();
    let fourth = repo.build_with(&["--no-link"]).ok();
    let warnings = fourth.err.matches("warning: ").count();
    assert_eq!(warnings, 1, "{}", fourth.err);
    assert_eq!(tree_of(&first), tree_of(&fourth));
}

#[test]
fn a_command_that_fails_on_an_engine_fails_as_it_does_here() {
    let test = "a_command_that_fails_on_an_engine_fails_as_it_does_here";
    if !can_build(test) {
        return;
    }
    let repo = TestRepo::new(r#"result = run "bad" "echo going wrong; exit 7";"#);
    let Some(engine) = Casd::start(test, repo.temp()) else {
        return;
    };
    configure(&repo, &engine.url, "execute = true");
    for _ in 0..2 {
        let _ = repo
            .build()
            .fails(100, &["exited with status 7", "going wrong"]);
    }
    assert_eq!(engine.executed(), 2, "a failure is not remembered");
    repo.recipes(r#"result = run "none" "true";"#);
    let _ = repo.build().fails(100, &["without making output `out`"]);
    repo.recipes(r#"result = run "killed" "kill -9 $$";"#);
    let _ = repo.build().fails(100, &["ended by signal 9"]);
}

#[test]
fn an_engine_that_is_killed_in_a_build_costs_a_warning() {
    let test = "an_engine_that_is_killed_in_a_build_costs_a_warning";
    if !can_build(test) {
        return;
    }
    let repo = TestRepo::new(
        r#"
slow = n: run "slow-${n}" "sleep 2; mkdir $out; echo ${n} > $out/n";
result = runWith "all" { inputs = map (n: { at = "/in/${n}"; from = slow n; }) [ "1" "2" "3" ]; } "cp -r /in $out";
"#,
    );
    let Some(mut engine) = Casd::start(test, repo.temp()) else {
        return;
    };
    configure(&repo, &engine.url, "execute = true");
    let build = repo.spawn_build(&["-j", "2"]);
    let deadline = Instant::now() + Duration::from_secs(120);
    while engine.asked() == 0 && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(10));
    }
    engine.child.kill().unwrap();
    engine.child.wait().unwrap();
    let ran = Ran::new(build.wait_with_output().unwrap()).ok();
    assert!(ran.err.contains("is built here: "), "{}", ran.err);
    let all = fs::read_to_string(ran.path().join("3/n")).unwrap();
    assert_eq!(all, "3\n");
    repo.assert_sound();
}

#[test]
fn an_engine_runs_more_at_once_than_this_machine_may() {
    let test = "an_engine_runs_more_at_once_than_this_machine_may";
    if !can_build(test) {
        return;
    }
    let repo = TestRepo::new(
        r#"
step = n: run "step-${n}" "sleep 1; mkdir $out; echo ${n} > $out/n";
result = runWith "all" { inputs = map (n: { at = "/in/${n}"; from = step n; }) [ "1" "2" "3" "4" ]; } "cp -r /in $out";
"#,
    );
    let Some(engine) = Casd::start(test, repo.temp()) else {
        return;
    };
    configure(&repo, &engine.url, "execute = true\njobs = 4");
    let events = repo
        .run(&[
            "--log-format",
            "json",
            "build",
            "profiles/t.toml",
            "-j",
            "1",
            "--require-remote",
        ])
        .ok();
    // How many were started before the first was finished.
    let steps = events
        .err
        .lines()
        .take_while(|line| !line.contains("\"event\":\"finished\""))
        .filter(|line| line.contains("\"event\":\"started\""))
        .count();
    assert_eq!(steps, 4, "{}", events.err);
    assert_eq!(engine.executed(), 5);
}

#[test]
fn the_doctor_finds_what_a_real_engine_can_do() {
    let test = "the_doctor_finds_what_a_real_engine_can_do";
    if !can_build(test) {
        return;
    }
    let repo = TestRepo::new("result = 1;");
    let Some(engine) = Casd::start(test, repo.temp()) else {
        return;
    };
    configure(&repo, &engine.url, "");
    let ran = repo.run(&["remote", "doctor", "engine"]).ok();
    for line in [
        "limited digest function",
        "good    small blobs",
        "good    large blobs",
        "good    poisoned blobs",
        "good    action cache",
        "good    completeness",
        "good    execution",
        "good    sandbox",
        "good    relative symlink",
        "good    input immutability",
    ] {
        assert!(ran.out.contains(line), "no `{line}` in\n{}", ran.out);
    }
    assert!(!ran.out.contains("BAD"), "{}", ran.out);
    let json = repo
        .run(&["remote", "doctor", &engine.url, "--no-execution", "--json"])
        .ok()
        .json();
    let first = &json["findings"][0];
    assert_eq!(
        (first["subject"].as_str(), first["verdict"].as_str()),
        (Some("digest function"), Some("limited"))
    );
    // Without its profile a worker of root cannot make our sandbox, and that is said.
    if is_root() {
        let plain = repo.run(&["remote", "doctor", &engine.url]);
        assert_eq!(plain.code, Some(1), "{}", plain.out);
        assert!(plain.out.contains("BAD     sandbox"), "{}", plain.out);
        assert!(plain.err.contains("--profile buildbox"), "{}", plain.err);
    }
}

#[test]
fn an_engine_that_is_not_there_costs_one_warning() {
    let test = "an_engine_that_is_not_there_costs_one_warning";
    if !can_build(test) {
        return;
    }
    let repo = TestRepo::new(CHAIN);
    let url = nobody();
    configure(&repo, &url, "execute = true");
    let mut bare = repo.command(["build", "profiles/t.toml", "--require-remote"]);
    bare.env("XSC_RUNNER_DIR", repo.temp());
    let _ = Ran::new(bare.output().unwrap()).fails(
        1,
        &[
            "warning: nothing for x86_64-linux runs on engine",
            "./x runner",
            "--require-remote, and engine",
        ],
    );
    if !runner().exists() {
        println!("skipped: {test}: no static runner beside the composer; ./x runner makes it");
        return;
    }
    let ran = repo.build().ok();
    let warnings = ran.err.matches("warning: engine is not available").count();
    assert_eq!(warnings, 1, "{}", ran.err);
    repo.recipes(r#"result = run "other" "mkdir $out";"#);
    let _ = repo
        .build_with(&["--require-remote"])
        .fails(1, &["--require-remote, and engine did not run it"]);
    let offline = repo.build_with(&["--offline"]).ok();
    assert!(!offline.err.contains("engine"), "{}", offline.err);
}

#[test]
fn endpoints_are_listed_and_mistakes_in_them_are_named() {
    let repo = TestRepo::new("result = 1;");
    let _ = repo.run(&["remote", "list"]).ok();
    repo.write(
        "flake-like.toml",
        "[inputs]\n[remote.share]\nurl = \"file:///srv/cache\"\npush = true\n",
    );
    configure(&repo, "grpc://farm:1", "execute = true");
    let listed = repo.run(&["remote", "list"]).ok();
    assert_eq!(
        listed.out,
        "engine\tgrpc://farm:1\texecute\nshare\tfile:///srv/cache\tpush\n"
    );
    let json = repo.run(&["remote", "list", "--json"]).ok().json();
    assert_eq!(json["endpoints"][1]["name"], "share");
    let _ = repo.run(&["remote", "doctor", "farn"]).fails(
        2,
        &[
            "no endpoint `farn`",
            "hint: the configuration names: engine, share",
        ],
    );
    let _ = repo
        .run(&["remote", "doctor", "share"])
        .fails(2, &["examines grpc://"]);
    let _ = repo
        .run(&["remote", "doctor", "s3://bucket"])
        .fails(2, &["must start with"]);
    let _ = repo
        .run(&["remote", "doctor", &nobody()])
        .fails(1, &["is not available: cannot connect"]);
    configure(&repo, "grpc://farm:1", "token-file = \"no-such-token\"");
    let _ = repo
        .run(&["remote", "doctor", "engine"])
        .fails(2, &["no-such-token", "`token-file` of [remote.engine]"]);
    configure(&repo, "farm:1", "");
    let _ = repo
        .run(&["remote", "list"])
        .fails(2, &["config.toml", "must start with file://"]);
    repo.write(
        "flake-like.toml",
        "[inputs]\n[remote.evil]\nurl = \"grpc://evil:1\"\ntoken-file = \"/etc/passwd\"\n",
    );
    configure(&repo, "grpc://farm:1", "");
    let _ = repo
        .run(&["remote", "list"])
        .fails(2, &["flake-like.toml:4", "for the user to say"]);
}
