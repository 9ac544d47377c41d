//! A build sees its inputs and nothing of the host: no file, no network, no clock, no name.
//!
//! Each test compares what a build saw with what the host has.

use std::fs;
use std::net::TcpListener;

use crate::env::{Ran, TestRepo, can_build};

/// 2038-01-01T00:00:00Z, what every build's clock reads.
const CLOCK: &str = "2145916800";

#[test]
fn files_network_clock_and_names_are_the_sandboxs_own() {
    if !can_build("files_network_clock_and_names_are_the_sandboxs_own") {
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let repo = TestRepo::new("");
    let marker = repo.temp().join("marker");
    fs::write(&marker, "of the host").unwrap();
    let script = format!(
        r#"mkdir $out; cd $out
        cat /etc/passwd > passwd
        if (exec 3<>/dev/tcp/127.0.0.1/{port}) 2> refused; then echo > connected; fi
        date +%s > date; echo $EPOCHSECONDS > epoch; date +%z > zone
        uname -n > name; id -u > uid; nproc > cpus
        env | sort > env; cat /proc/mounts > mounts
        for place in {marker} {repo} {store} /root /home /etc/shadow /sys /var; do
            if [ -e $place ]; then echo $place >> seen; fi
        done"#,
        marker = marker.display(),
        repo = repo.dir().display(),
        store = repo.store().display(),
    );
    repo.write("images/script", &script);
    repo.recipes(
        r#"result = runWith "look" { keepsBuildDir = true; } (builtins.readFile ./script);"#,
    );
    let path = repo.build().ok().path();
    let read = |name: &str| fs::read_to_string(path.join(name)).unwrap();
    let passwd = read("passwd");
    assert!(passwd.starts_with("builder:x:1000:1000:"), "{passwd}");
    let host = fs::read_to_string("/etc/passwd").unwrap();
    for line in host.lines() {
        assert!(
            !passwd.lines().any(|own| own == line),
            "of the host: {line}"
        );
    }
    assert!(
        !path.join("connected").exists(),
        "a build reached a listener of the host"
    );
    let refused = read("refused");
    assert!(refused.contains("/dev/tcp/127.0.0.1"), "{refused}");
    let accepted = listener.accept().expect_err("nobody may have knocked");
    assert_eq!(accepted.kind(), std::io::ErrorKind::WouldBlock);
    for (file, expected) in [
        ("date", CLOCK),
        ("epoch", CLOCK),
        ("zone", "+0000"),
        ("name", "xsc-build"),
        ("uid", "1000"),
        ("cpus", "1"),
    ] {
        assert_eq!(read(file), format!("{expected}\n"), "{file}");
    }
    let env = read("env");
    let bashs_own = ["OLDPWD=", "PWD=", "SHLVL=", "_="];
    let given: Vec<&str> = env
        .lines()
        .filter(|line| !bashs_own.iter().any(|own| line.starts_with(own)))
        .collect();
    assert_eq!(
        given,
        ["PATH=/usr/bin", "XSC_CORES=1", "out=/build/out/out"]
    );
    let mounts = read("mounts");
    assert!(!mounts.contains(repo.temp().to_str().unwrap()), "{mounts}");
    assert!(!path.join("seen").exists(), "{}", read("seen"));
}

#[test]
fn nothing_but_the_build_directory_can_be_written() {
    if !can_build("nothing_but_the_build_directory_can_be_written") {
        return;
    }
    let repo = TestRepo::new(
        r#"result = runWith "write" { inputs = [ { at = "/src"; from = ../src; } ]; } ''
            mkdir $out
            for place in / /usr /usr/bin /etc /dev /src /src/dir; do
                if echo x 2> /dev/null > $place/new; then echo $place >> $out/written; fi
            done
            if echo x 2> /dev/null > /src/file; then echo file >> $out/written; fi
            echo x > /tmp/new; echo x > /build/new
            cat /src/file > $out/file
        '';"#,
    );
    repo.write("src/file", "original\n");
    repo.write("src/dir/below", "below\n");
    let path = repo.build().ok().path();
    assert_eq!(fs::read_to_string(path.join("file")).unwrap(), "original\n");
    assert!(
        !path.join("written").exists(),
        "{}",
        fs::read_to_string(path.join("written")).unwrap()
    );
    assert_eq!(
        fs::read_to_string(repo.dir().join("src/file")).unwrap(),
        "original\n"
    );
    assert!(!repo.dir().join("src/new").exists());
}

#[test]
fn a_script_that_writes_outside_its_output_fails() {
    if !can_build("a_script_that_writes_outside_its_output_fails") {
        return;
    }
    let repo = TestRepo::new(r#"result = run "stray" "mkdir $out; echo x > /usr/share-of-me";"#);
    repo.build().fails(
        100,
        &[
            "error: stray: the builder exited with status 1",
            "/usr/share-of-me: Read-only file system",
        ],
    );
}

#[test]
fn an_output_that_names_the_store_is_refused() {
    if !can_build("an_output_that_names_the_store_is_refused") {
        return;
    }
    let repo = TestRepo::new("");
    let store = repo.store().display().to_string();
    repo.recipes(&format!(
        r#"result = run "leak" "mkdir $out; echo harmless > $out/a; echo at {store}/trees > $out/b";
        link = run "link" "mkdir $out; ln -s {store} $out/l";"#
    ));
    let said = format!("error: leak: `b` contains the store's directory `{store}` (at byte 3)");
    repo.build().fails(100, &[&said]);
    repo.build_with(&["-A", "link"])
        .fails(100, &["error: link: `l` contains the store's directory"]);
    assert!(!repo.dir().join("result").exists());
    repo.assert_sound();
}

#[test]
fn the_environment_of_the_user_does_not_reach_a_build() {
    if !can_build("the_environment_of_the_user_does_not_reach_a_build") {
        return;
    }
    let recipe = r#"result = run "env" "mkdir $out; env -u out -u PWD | sort > $out/env";"#;
    let (one, other) = (TestRepo::new(recipe), TestRepo::new(recipe));
    let first = one.build().ok();
    let mut command = other.command(["build", "profiles/t.toml"]);
    command
        .env("SECRET", "1")
        .env("LC_ALL", "de_DE.UTF-8")
        .env("TZ", "Asia/Tokyo");
    let second = Ran::new(command.output().unwrap()).ok();
    let read = |ran: Ran| fs::read_to_string(ran.path().join("env")).unwrap();
    let text = read(first);
    assert_eq!(text, read(second));
    assert!(!text.contains("SECRET") && !text.contains("HOME"), "{text}");
}
