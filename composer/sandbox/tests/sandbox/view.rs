//! What the command sees: its root and nothing of the host, the same for root and for an ordinary user.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;

use xsc_sandbox::{Cpus, Mount, MountMode};

use crate::support::{Case, User, chain, for_each_user, users};

#[test]
fn the_view_is_the_same_for_every_user() {
    let script = "id -u; id -g; uname -n; pwd; umask; cat /etc/passwd; ls /; ls /dev; ulimit -c; ulimit -n
        echo TZ=$TZ; env | while read line; do echo \"$line\"; done; cat /proc/sys/kernel/domainname";
    let logs: Vec<String> = users()
        .into_iter()
        .map(|u| Case::new(u, script).output())
        .collect();
    for log in &logs {
        assert!(
            log.starts_with("1000\n1000\nxsc-build\n/build\n0022\nbuilder:x:1000:1000:"),
            "{log}"
        );
        assert!(log.contains("\nbin\nbuild\ndev\netc\n"), "{log}");
        assert!(
            !log.contains("\nsys\n") && !log.contains("\nroot:") && !log.contains("HOME"),
            "{log}"
        );
        assert!(log.ends_with("(none)\n"), "{log}");
        assert_eq!(*log, logs[0]);
    }
}

#[test]
fn nothing_of_the_host_is_in_sight() {
    let secret = crate::support::public_dir();
    fs::write(secret.path().join("secret"), "x").unwrap();
    let script = format!(
        "[ ! -e {}/secret ] && [ ! -e /etc/shadow ] && echo absent",
        secret.path().display()
    );
    for_each_user(&script, |log| assert_eq!(log, "absent\n"));
    // PID 1 is ours, but its command line, root, descriptors and memory are not for the command.
    let script = "echo /proc/[0-9]*; cat /proc/1/cmdline; ls /proc/1/root /proc/1/fd /proc/1/cwd; echo; cat /proc/1/environ
        ls -l /proc/self/fd";
    for user in users() {
        let case = Case::new(user, script);
        let log = case.run().log;
        assert!(log.starts_with("/proc/1 /proc/2\n"), "{log}");
        assert!(
            !log.contains("runner") && !log.contains("xsc-sandbox-"),
            "{log}"
        );
        // Standard streams, and the directory that ls itself has open.
        assert_eq!(
            log.lines().filter(|line| line.contains(" -> ")).count(),
            4,
            "{log}"
        );
    }
}

#[test]
fn the_network_leads_nowhere() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    for_each_user(&format!("probe connect {port}; cat /proc/net/dev"), |log| {
        assert!(
            log.starts_with("connection refused\n"),
            "loopback is up, with nobody there: {log}"
        );
        assert_eq!(log.lines().count(), 4, "only lo: {log}");
    });
}

#[test]
fn only_the_build_directory_is_writable() {
    let script = "for place in / /usr /usr/bin /etc /dev; do touch $place/x 2>&1; done
        touch /tmp/x /dev/shm/x /build/x /build/out/x && echo fine
        for file in /proc/sys/kernel/core_pattern /proc/sys/vm/swappiness; do [ -w $file ] && echo $file; done
        echo gone > /usr/bin/true";
    for user in users() {
        let case = Case::new(user, script);
        let log = case.run().log;
        assert_eq!(log.matches("Read-only file system").count(), 5 + 1, "{log}");
        assert!(log.contains("\nfine\n"), "{log}");
        assert!(!log.contains("\n/proc/"), "{log}");
        assert!(case.spec.scratch.join("build/out/x").exists());
        assert!(
            fs::metadata(case.spec.root[0].join("usr/bin/true"))
                .unwrap()
                .len()
                > 5
        );
    }
}

#[test]
fn a_writable_mount_is_a_private_copy() {
    let script =
        "cd /src && echo changed > file && echo new > dir/new && rm dir/below && mv file moved
        cat moved dir/new; ls dir; chmod 600 moved; mkdir -p d/e && chmod 000 d";
    for user in users() {
        for at in ["/src", "/build/src"] {
            let mut case = Case::new(user, &script.replace("/src", at));
            let from = case.mount(at, MountMode::Writable);
            assert_eq!(case.output(), "changed\nnew\nnew\n");
            assert_eq!(fs::read_to_string(from.join("file")).unwrap(), "original\n");
            assert_eq!(
                fs::read_to_string(from.join("dir/below")).unwrap(),
                "original\n"
            );
            assert_eq!(fs::read_dir(&from).unwrap().count(), 2);
            assert_eq!(fs::read_dir(from.join("dir")).unwrap().count(), 1);
            let metadata = fs::metadata(from.join("file")).unwrap();
            assert_eq!(
                std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777,
                0o444
            );
        }
    }
}

#[test]
fn a_read_only_mount_stays_so_even_with_the_capability() {
    for user in users() {
        let mut case = Case::new(
            user,
            "echo x > /in/file; echo x > /in/dir/new; echo x > /rw/file; cat /in/file /rw/file",
        );
        let from = case.mount("/in", MountMode::ReadOnly);
        case.mount("/rw", MountMode::Writable);
        let ran = case.run();
        assert_eq!(
            ran.log.matches("Read-only file system").count(),
            2,
            "{}",
            ran.log
        );
        assert!(ran.log.ends_with("original\nx\n"), "{}", ran.log);
        assert_eq!(fs::read_to_string(from.join("file")).unwrap(), "original\n");
    }
}

#[test]
fn capabilities_are_gone_but_for_the_one() {
    let script = "while read name value; do case $name in Cap*|NoNewPrivs:) echo $name $value;; esac; done < /proc/self/status";
    for user in users() {
        let mut case = Case::new(user, script);
        let log = case.output();
        assert_eq!(log.matches(" 0000000000000000").count(), 5, "{log}");
        assert!(log.contains("NoNewPrivs: 1"), "{log}");
        case = Case::new(user, script);
        case.mount("/rw", MountMode::Writable);
        let log = case.output();
        assert_eq!(log.matches(" 0000000000000002").count(), 5, "{log}");
    }
}

#[test]
fn cpus_are_as_many_as_asked_for() {
    let all = std::thread::available_parallelism().unwrap().get();
    for (cpus, expected) in [(Cpus::One(0), 1), (Cpus::One(7), 1), (Cpus::All, all)] {
        let mut case = Case::new(User::Myself, "nproc");
        case.spec.cpus = cpus;
        assert_eq!(case.output(), format!("{expected}\n"), "{cpus:?}");
    }
}

#[test]
fn layers_merge_and_the_upper_wins() {
    for user in users() {
        let mut case = Case::new(user, "cat /many/[0-9]* /same; cat /etc/passwd; ls /deep/er");
        for index in 0..100 {
            let layer = case
                .temp
                .path()
                .join(format!("a layer, with: odd \\ name {index}"));
            fs::create_dir_all(layer.join("many")).unwrap();
            fs::write(layer.join(format!("many/{index:03}")), format!("{index}\n")).unwrap();
            fs::write(layer.join("same"), format!("from {index}\n")).unwrap();
            case.spec.root.push(layer);
        }
        let first = &case.spec.root[1];
        fs::create_dir(first.join("etc")).unwrap();
        fs::write(first.join("etc/passwd"), "own\n").unwrap();
        symlink("many", first.join("deep")).unwrap();
        case.mount("/deep/er", MountMode::ReadOnly);
        let log = case.output();
        let numbers: String = (0..100).map(|index| format!("{index}\n")).collect();
        assert!(log.starts_with(&numbers), "{log}");
        assert!(log.contains("from 0\nown\n"), "{log}");
        assert!(log.ends_with("dir\nfile\n"), "{log}");
    }
}

#[test]
fn mounts_nest() {
    for user in users() {
        let mut case = Case::new(user, "cat /a/file /a/dir/file");
        // Listed first, mounted last.
        case.mount("/a/dir", MountMode::ReadOnly);
        case.mount("/a", MountMode::ReadOnly);
        assert_eq!(case.output(), "original\noriginal\n");
    }
}

#[test]
fn links_do_not_lead_out() {
    let outside = crate::support::public_dir();
    let linked = |user, target: &str| {
        let mut case = Case::new(user, "cat /evil/x/file");
        let layer = case.temp.path().join("layer");
        fs::create_dir(&layer).unwrap();
        symlink(target, layer.join("evil")).unwrap();
        case.spec.root.insert(0, layer);
        case.mount("/evil/x", MountMode::ReadOnly);
        case
    };
    for user in users() {
        // Where the host has nothing, the link gets a target inside.
        let place = format!("/xsc-sandbox-test-{}", std::process::id());
        assert_eq!(
            linked(user, &format!("/../..{place}")).output(),
            "original\n"
        );
        assert!(!std::path::Path::new(&place).exists());
        // Where the host has something, that is not the target.
        let target = format!("/../../..{}", outside.path().display());
        if let Ok(ran) = linked(user, &target).try_run() {
            assert_eq!(ran.log, "original\n");
        }
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    }
}

#[test]
fn a_mount_point_that_cannot_be_made_is_an_error() {
    let mut case = Case::new(User::Myself, "true");
    case.mount("/a", MountMode::ReadOnly);
    let from = case.spec.mounts[0].from.clone();
    case.spec.mounts.push(Mount {
        at: "/a/missing".into(),
        from,
        mode: MountMode::ReadOnly,
    });
    let text = chain(&case.try_run().err().unwrap());
    assert!(
        text.contains("make the mount point (/a/missing)") && text.contains("EROFS"),
        "{text}"
    );
}
