//! flake-like.toml and its lock: goldens, staleness, and files somebody edited by hand.

use xsc_profile::{FlakeLike, InputKind, Lock, LockedContent, MirrorFrom, Signature};

const FLAKE: &str = include_str!("data/flake-like.toml");

fn flake() -> FlakeLike {
    FlakeLike::parse("flake-like.toml", FLAKE).unwrap()
}

/// The golden lock, with the digests of the declarations filled in.
fn lock_text() -> String {
    let mut text = include_str!("data/flake-like.lock").to_owned();
    for (name, input) in flake().inputs {
        text = text.replace(&format!("@{name}@"), &input.digest());
    }
    text
}

fn flake_fails(text: &str) -> String {
    FlakeLike::parse("flake-like.toml", text)
        .unwrap_err()
        .to_string()
}

#[test]
fn the_repository_s_own_files_fit_together() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../");
    let read = |name: &str| std::fs::read_to_string(format!("{root}{name}")).unwrap();
    let flake = FlakeLike::parse("flake-like.toml", &read("flake-like.toml")).unwrap();
    let text = read("flake-like.lock");
    let lock = Lock::parse("flake-like.lock", &text).unwrap();
    assert_eq!(lock.check(&flake), []);
    assert_eq!(lock.to_text(), text);
    assert!(
        lock.files().iter().all(|f| f.urls.len() >= 3),
        "each file has two places and the cache"
    );
}

#[test]
fn declarations_are_read_with_lines() {
    let flake = flake();
    assert_eq!(
        flake.mirrors["debian"].from,
        MirrorFrom::Apt {
            matches: "debian".to_owned()
        }
    );
    assert_eq!(
        flake.mirrors["debian"].snapshot.as_deref(),
        Some("mirror://old/archive/debian")
    );
    let InputKind::DebianPackages(seed) = &flake.inputs["seed"].kind else {
        panic!("seed is a package input");
    };
    assert_eq!(flake.inputs["seed"].line, 9);
    assert_eq!(seed.sets["base"][1].value, "libstdc++6");
    assert_eq!(seed.sets["base"][1].line, 16);
    assert_eq!(seed.archives[0].component, "main");
    let InputKind::DebianSource(linux) = &flake.inputs["linux"].kind else {
        panic!("linux is a source input");
    };
    assert_eq!(
        (linux.part.as_str(), linux.package_line),
        ("orig.tar.xz", 20)
    );
}

#[test]
fn the_digest_of_a_declaration_is_pinned() {
    // A change here makes every lock file stale: it needs a reason in the commit.
    let digests: Vec<String> = flake()
        .inputs
        .values()
        .map(|i| i.digest()[..16].to_owned())
        .collect();
    assert_eq!(
        digests,
        ["a7bfbf7babcfda25", "82108c2f5ec042fe", "752ea28a51e29e7e"]
    );
}

#[test]
fn the_digest_covers_meaning_and_not_layout() {
    let digest = |text: &str| {
        let flake = FlakeLike::parse("f", text).unwrap();
        flake.inputs["seed"].digest()
    };
    let same = FLAKE
        .replace(
            "[\"bash\", \"libstdc++6\"]",
            "[ # order\n\"libstdc++6\",\n\"bash\"]",
        )
        .replace(
            "from = \"configuration\"",
            "from = \"configuration\"\n# comment",
        );
    assert_eq!(digest(&same), digest(FLAKE));
    for (from, to) in [
        ("\"bash\", ", ""),
        ("base = ", "other = "),
        ("[\"dpkg\"]", "[]"),
        ("\"amd64\"", "\"arm64\""),
        ("suite = \"trixie\" }", "suite = \"sid\" }"),
    ] {
        let other = FLAKE.replacen(from, to, 1);
        assert_ne!(other, FLAKE);
        assert_ne!(digest(&other), digest(FLAKE), "{from}");
    }
}

#[test]
fn bad_declarations() {
    let text = FLAKE.replace(
        "mirror = \"debian\", suite = \"trixie\" }",
        "mirror = \"debain\", suite = \"trixie\" }",
    );
    assert_eq!(
        flake_fails(&text),
        "\
flake-like.toml:12:24: no table [mirrors.debain] declares the mirror `debain`
  12 | archives = [{ mirror = \"debain\", suite = \"trixie\" }]
     |                        ^^^^^^^^ did you mean `debian`?
     = valid: debian, old"
    );
    for (from, to, message) in [
        (
            "\"debian-source\"",
            "\"debian-sources\"",
            "did you mean `debian-source`?",
        ),
        (
            "type = \"debian-source\"",
            "typ = \"debian-source\"",
            "did you mean `type` by `typ`?",
        ),
        (
            "from = \"apt\"\n",
            "from = \"atp\"\n",
            "did you mean `apt`?",
        ),
        (
            "match = \"debian\"\n",
            "",
            "[mirrors.debian] lacks the key `match`",
        ),
        ("\"bash\"", "\"Bash\"", "is no package name"),
        ("\"bash\"", "\"libstdc++6\"", "stands twice"),
        ("architecture", "arch", "lacks the key `architecture`"),
        (
            "https://files",
            "http://files",
            "must start with mirror:// or https://",
        ),
        (
            "mirror://old/logo",
            "mirror://odl/logo",
            "did you mean `old`?",
        ),
        (
            "name = \"logo.png\"",
            "name = \"logo.png\"\nsha256 = \"abc\"",
            "64 lower-case hex",
        ),
        (
            "package = \"linux\"",
            "pakage = \"linux\"",
            "did you mean `package`?",
        ),
        (
            "[inputs.linux]",
            "[inputs.\"Li nux\"]",
            "must be made of lower-case letters",
        ),
        (
            "[{ mirror = \"debian\", suite = \"trixie\", component = \"main\" }]",
            "[]",
            "must name an archive",
        ),
    ] {
        let text = FLAKE.replacen(from, to, 1);
        assert_ne!(text, FLAKE, "{from}");
        let shown = flake_fails(&text);
        assert!(shown.contains(message), "{from} -> {to}: {shown}");
    }
}

#[test]
fn the_lock_is_read_and_written_back_byte_for_byte() {
    let lock = Lock::parse("flake-like.lock", &lock_text()).unwrap();
    assert_eq!(lock.to_text(), lock_text());
    let set = lock.set("seed", "base").unwrap();
    assert_eq!(set[1].0, "libstdc++6");
    assert_eq!(
        set[0].1.file.urls,
        [
            "mirror://debian/pool/main/b/bash/bash_5.2-1_amd64.deb",
            "mirror://old/archive/debian/20260913T075541Z/pool/main/b/bash/bash_5.2-1_amd64.deb",
            "mirror://cache/sha256/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
        ]
    );
    assert_eq!(set[0].1.file.name, "bash_5.2-1_amd64.deb");
    let logo = lock.file("logo").unwrap();
    assert_eq!((logo.name.as_str(), logo.urls.len()), ("logo \"1\".png", 3));
    assert_eq!(
        lock.inputs["seed"].archives[0].signature,
        Signature::Verified
    );
    assert!(matches!(
        lock.inputs["logo"].content,
        LockedContent::File { version: None, .. }
    ));
    assert_eq!(lock.files().len(), 3);
    assert!(lock.set("seed", "boot").is_none() && lock.set("logo", "base").is_none());
}

#[test]
fn stale_inputs_are_named_with_their_line() {
    let mut flake = flake();
    let lock = Lock::parse("flake-like.lock", &lock_text()).unwrap();
    let shown = |flake: &FlakeLike| -> Vec<String> {
        lock.check(flake).iter().map(|s| s.to_string()).collect()
    };
    assert_eq!(
        shown(&flake),
        [
            "lock out of date: input `linux` at flake-like.toml:18 is not in it; run `xsc-compose lock`"
        ]
    );
    flake.inputs.remove("linux");
    assert_eq!(shown(&flake), [""; 0]);
    flake.inputs.remove("logo");
    let InputKind::DebianPackages(seed) = &mut flake.inputs.get_mut("seed").unwrap().kind else {
        panic!("seed is a package input");
    };
    seed.exclude.clear();
    assert_eq!(
        shown(&flake),
        [
            "lock out of date: input `logo` is not in flake-like.toml any more; run `xsc-compose lock`",
            "lock out of date: input `seed` changed at flake-like.toml:9; run `xsc-compose lock`",
        ]
    );
}

#[test]
fn a_lock_edited_by_hand_is_refused_with_a_line() {
    let good = lock_text();
    let b = "b".repeat(64);
    for (from, to, message) in [
        (
            "version = 1\n",
            "version = 2\n",
            "flake-like.lock:1:1: lock version 2 is not 1",
        ),
        (b.as_str(), "xyz", "has no SHA-256"),
        (
            "  \"bash\",\n",
            "  \"zsh\",\n",
            "set `base` holds `zsh`, which is not locked",
        ),
        (
            "archive = 0",
            "archive = 7",
            "of archive 7, which is not listed",
        ),
        ("\"verified\"", "\"maybe\"", "unknown variant"),
        ("size = 3\n", "size = -3\n", "flake-like.lock:12:"),
        ("logo \\\"1\\\".png", "../x", "\"../x\" is no file name"),
        ("size = 10", "size = 10, mode = 1", "unknown field `mode`"),
        ("bash_5.2-1_amd64.deb", "..", "\"..\" is no file name"),
    ] {
        let text = good.replacen(from, to, 1);
        assert_ne!(text, good, "{from}");
        let shown = Lock::parse("flake-like.lock", &text)
            .unwrap_err()
            .to_string();
        assert!(shown.contains(message), "{from} -> {to}: {shown}");
        assert!(shown.contains("written by `xsc-compose lock`"), "{shown}");
    }
}
