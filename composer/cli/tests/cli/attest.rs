//! Attestations: what `verify` signs, and what becomes of those that are forged, replayed or of strangers.

use std::fs;

use crate::env::{TestRepo, can_build};
use crate::team::{keygen, secret};

/// Two that are reproducible, of which the one needs the other, and one that is not.
const RECIPES: &str = r#"
tool = run "tool" "mkdir $out; echo tool > $out/tool";
result = runWith "app" { inputs = [ { at = "/t"; from = tool; } ]; } "mkdir $out; cp /t/tool $out/app";
bad = run "bad" "mkdir $out; date > $out/when";
"#;

/// A repository that trusts the key `ci`, which it has, and has `stranger`, which nobody trusts.
fn repo() -> TestRepo {
    let repo = TestRepo::new(RECIPES);
    let key = keygen(&repo, "ci");
    let _ = keygen(&repo, "stranger");
    let text = format!("[inputs]\n[trust]\nkeys = [\"{key}\"]\n");
    repo.write("flake-like.toml", &text);
    let _ = repo.build().ok();
    repo
}

/// What `verify` says of this profile or attribute.
fn verify(repo: &TestRepo, words: &[&str]) -> crate::env::Ran {
    repo.run(&[&["verify", "profiles/t.toml"], words].concat())
}

#[test]
fn what_was_verified_is_believed_by_who_trusts_the_key() {
    if !can_build("what_was_verified_is_believed_by_who_trusts_the_key") {
        return;
    }
    let repo = repo();
    let key = secret(&repo, "ci");
    let words = ["-r", "--rounds", "2", "--attest", "ci.txt", "--key", &key];
    let ran = verify(&repo, &words).ok();
    assert!(
        ran.out.contains("2 identical after 2 rebuilds"),
        "{}",
        ran.out
    );
    let text = fs::read_to_string(repo.dir().join("ci.txt")).unwrap();
    assert_eq!(text.matches("xsc-attestation-1\n").count(), 2, "{text}");
    assert_eq!(text.matches("rounds 2\n").count(), 2, "{text}");
    assert!(text.contains("varied readdir order\n"), "{text}");
    assert!(text.contains("verdict identical\n"), "{text}");
    let ran = verify(&repo, &["-r", "--attestations", "ci.txt"]).ok();
    assert_eq!(ran.building(), Vec::<&str>::new(), "nothing is built");
    for said in [
        "tool: identical after 2 rebuilds, says ci (",
        "app: identical after 2 rebuilds, says ci (",
        "2 attested as identical, 0 fixed by hash, 0 not attested, 0 not reproducible\n",
    ] {
        assert!(ran.out.contains(said), "{said}: {}", ran.out);
    }
    let json = verify(&repo, &["-r", "--attestations", "ci.txt", "--json"]);
    let json = json.ok().json();
    assert_eq!(json["results"][0]["by"][0]["rounds"], 2, "{json}");
    // What the file does not speak of is not proved by it.
    let ran = verify(&repo, &["-A", "bad", "--attestations", "ci.txt"]);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    assert!(ran.out.contains("bad: is not built here"), "{}", ran.out);
    // Without a key nothing is built again, only to find that out at the end.
    verify(&repo, &["--attest", "x.txt"]).fails(2, &["there is no key to sign with", "keygen"]);
    assert!(!repo.dir().join("x.txt").exists());
}

#[test]
fn what_is_not_reproducible_is_attested_as_that() {
    if !can_build("what_is_not_reproducible_is_attested_as_that") {
        return;
    }
    let repo = repo();
    let _ = repo.build_with(&["-A", "bad", "--no-link"]).ok();
    let key = secret(&repo, "ci");
    let ran = verify(&repo, &["-A", "bad", "--attest", "bad.txt", "--key", &key]);
    assert_eq!(ran.code, Some(104), "{}", ran.err);
    let ran = verify(&repo, &["-A", "bad", "--attestations", "bad.txt"]);
    assert_eq!(ran.code, Some(104), "{}", ran.err);
    assert!(ran.out.contains("saw another output out: "), "{}", ran.out);
    assert!(
        ran.err.contains("bad is not reproducible, as somebody"),
        "{}",
        ran.err
    );
}

#[test]
fn a_forged_or_replayed_attestation_proves_nothing() {
    if !can_build("a_forged_or_replayed_attestation_proves_nothing") {
        return;
    }
    let repo = repo();
    let attest = |name: &str, attr: &str| {
        let key = secret(&repo, name);
        let file = format!("{name}-{attr}.txt");
        let words = ["-A", attr, "--attest", &file, "--key", &key];
        let _ = verify(&repo, &words).ok();
        fs::read_to_string(repo.dir().join(file)).unwrap()
    };
    let (app, tool) = (attest("ci", "result"), attest("ci", "tool"));
    let line = |text: &str, word: &str| {
        let found = text.lines().find(|line| line.starts_with(word));
        found.unwrap().to_owned()
    };
    let weigh = |text: &str| {
        repo.write("given.txt", text);
        verify(&repo, &["--attestations", "given.txt"])
    };
    let _ = weigh(&app).ok();
    // The attestation of another action, as it is and made to name this one.
    let ran = weigh(&tool);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    assert!(ran.out.contains("app: is not attested"), "{}", ran.out);
    let replayed = tool
        .replace(&line(&tool, "action "), &line(&app, "action "))
        .replace(&line(&tool, "output "), &line(&app, "output "));
    let forged = "given.txt:1: forged: it names the key `ci`, which did not sign it; not used";
    let of_stranger = attest("stranger", "result");
    let posing = of_stranger.replace("key stranger\n", "key ci\n");
    for (text, said) in [
        (replayed, forged),
        (app.replace("rounds 1\n", "rounds 9\n"), forged),
        (posing, forged),
        (
            of_stranger,
            "given.txt:1: signed with `stranger`, which [trust] does not name",
        ),
        (
            app.replace("verdict identical", "verdict fine"),
            "given.txt:1: no attestation: line ",
        ),
        ("hello\n".to_owned(), "given.txt:1: no attestation: line 1 "),
    ] {
        let ran = weigh(&text);
        assert_eq!(ran.code, Some(1), "{}", ran.err);
        assert!(ran.err.contains(said), "{said}: {}", ran.err);
        assert!(ran.out.contains("app: is not attested"), "{}", ran.out);
        assert!(ran.out.contains("0 attested as identical"), "{}", ran.out);
        // Before a good one it is named still, and not believed.
        let ran = weigh(&format!("{text}{app}"));
        assert_eq!(ran.code, Some(1), "{}", ran.err);
        assert!(
            ran.out.contains("app: identical after 1 rebuild"),
            "{}",
            ran.out
        );
        assert!(
            ran.err.contains("given.txt holds what does not count"),
            "{}",
            ran.err
        );
    }
    // A repository that trusts nobody cannot be convinced.
    repo.write("flake-like.toml", "[inputs]\n");
    weigh(&app).fails(2, &["trusts nobody, so no attestation counts"]);
}
