//! Endpoints: of the user and of the repository, what each may say, and how they merge.

use xsc_profile::{DigestChoice, EngineKind, FlakeLike, UserConfig, merge_endpoints, url_fault};

fn user(text: &str) -> UserConfig {
    UserConfig::parse("config.toml", text).unwrap()
}

fn user_fails(text: &str) -> String {
    let error = UserConfig::parse("config.toml", text).unwrap_err();
    error.to_string()
}

fn repository(text: &str) -> FlakeLike {
    FlakeLike::parse("flake-like.toml", &format!("[inputs]\n{text}")).unwrap()
}

fn repository_fails(text: &str) -> String {
    let text = format!("[inputs]\n{text}");
    let error = FlakeLike::parse("flake-like.toml", &text).unwrap_err();
    error.to_string()
}

const FARM: &str = r#"
[remote.farm]
url = "grpcs://farm.example:8980"
instance = "main"
digest = "sha256"
profile = "buildbox"
execute = true
jobs = 40
queue-timeout = 120
connect-timeout = 5
[remote.farm.properties]
pool = "big"
"#;

#[test]
fn what_the_user_says_counts_before_the_repository() {
    let config = user(
        r#"
store = "/var/xsc"
[mirrors]
debian = "file:///mirror"
[remote.farm]
push = true
jobs = 4
[remote.share]
url = "file:///srv/cache"
trust-engine = false
"#,
    );
    assert_eq!(config.store.as_deref(), Some("/var/xsc"));
    assert_eq!(config.mirrors["debian"], "file:///mirror");
    let found = merge_endpoints(&config.remotes, &repository(FARM).remotes).unwrap();
    let names: Vec<&str> = found
        .iter()
        .map(|endpoint| endpoint.name.as_str())
        .collect();
    assert_eq!(names, ["farm", "share"]);
    let farm = &found[0];
    assert_eq!(farm.url, "grpcs://farm.example:8980");
    assert_eq!(farm.instance, "main");
    assert_eq!(farm.digest, Some(DigestChoice::Sha256));
    assert_eq!(farm.profile, EngineKind::Buildbox);
    assert!(farm.execute && farm.push && !farm.trust_engine && farm.is_engine());
    assert_eq!((farm.jobs, farm.queue_timeout), (Some(4), Some(120)));
    assert_eq!(farm.connect_timeout, Some(5));
    assert_eq!(farm.properties["pool"], "big");
    assert!(!found[1].is_engine() && !found[1].push);
}

#[test]
fn a_repository_may_not_choose_whom_the_user_believes_or_what_is_sent() {
    for key in [
        "trust-engine = true",
        "token-file = \"/home/me/.ssh/id\"",
        "ca-file = \"ca.pem\"",
    ] {
        let text = format!("[remote.farm]\nurl = \"grpc://farm:1\"\n{key}\n");
        let error = repository_fails(&text);
        assert!(error.contains("for the user to say"), "{error}");
        assert!(error.contains("flake-like.toml:4"), "{error}");
        // Nor may it choose the address that a user's token goes to.
        let error = user_fails(&format!("[remote.farm]\n{key}\n"));
        assert!(error.contains("needs `url` beside it"), "{error}");
        user(&text);
    }
}

#[test]
fn mistakes_are_named_with_their_line() {
    let cases = [
        (
            "[remote.farm]\nurl = \"farm:8980\"\n",
            "must start with file://",
        ),
        (
            "[remote.farm]\nurl = \"file://cache\"\n",
            "absolute directory",
        ),
        (
            "[remote.farm]\nurl = \"grpc://a:1\"\npusch = true\n",
            "did you mean `push`?",
        ),
        (
            "[remote.farm]\nurl = \"grpc://a:1\"\npush = \"yes\"\n",
            "true or false",
        ),
        (
            "[remote.farm]\nurl = \"grpc://a:1\"\ndigest = \"md5\"\n",
            "valid: blake3, sha256",
        ),
        (
            "[remote.farm]\nurl = \"grpc://a:1\"\njobs = 0\n",
            "at least 1",
        ),
        (
            "[remote.Farm]\nurl = \"grpc://a:1\"\n",
            "lower-case letters",
        ),
        (
            "[remote.farm]\nurl = \"grpc://a:1\"\nproperties = { network = \"on\" }\n",
            "network of the worker",
        ),
    ];
    for (text, expected) in cases {
        for error in [user_fails(text), repository_fails(text)] {
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
    let error = repository_fails("[remote.farm]\npush = true\n");
    assert!(error.contains("lacks the key `url`"), "{error}");
    let error = user_fails("stroe = \"/a\"\n");
    assert!(error.contains("did you mean `store`?"), "{error}");
}

#[test]
fn an_endpoint_without_an_address_is_named() {
    let config = user("[remote.farm]\npush = true\n");
    let error = merge_endpoints(&config.remotes, &repository("").remotes).unwrap_err();
    assert!(error.to_string().contains("[remote.farm]"), "{error}");
}

#[test]
fn addresses_are_of_a_known_kind() {
    for good in [
        "file:///srv",
        "http://a",
        "https://a/b",
        "grpc://a:1",
        "grpcs://a",
    ] {
        assert_eq!(url_fault(good), None, "{good}");
    }
    for bad in ["", "a", "ftp://a", "grpc://", "file://a", "s3://bucket"] {
        assert!(url_fault(bad).is_some(), "{bad}");
    }
}
