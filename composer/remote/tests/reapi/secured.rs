//! Engines behind TLS and a token: who is let in, and what is said to who is not.

use bazel_remote_apis::build::bazel::remote::execution::v2 as re;
use xsc_remote::CacheError;
use xsc_remote::reapi::{DigestFunction, Reapi};

use crate::double::{Double, Guard};
use crate::support::{Home, action, execute};

/// A certificate for this machine's own address, and its key.
fn certificate() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

fn guarded(guard: Guard) -> Double {
    let offers = vec![re::digest_function::Value::Blake3 as i32];
    Double::guarded(DigestFunction::Blake3, offers, 64 * 1024, guard)
}

/// What is said of an engine that cannot be used, and that it is said once: it is not asked again.
fn unusable(engine: &Double, remote: &Reapi<'_>) -> String {
    let error = remote.executes().unwrap_err();
    assert!(matches!(error, CacheError::Unavailable { .. }), "{error}");
    let asked = engine.count("GetCapabilities");
    let again = remote.executes().unwrap_err();
    assert_eq!(again.to_string(), error.to_string());
    assert_eq!(engine.count("GetCapabilities"), asked);
    assert!(remote.dead().is_some());
    error.to_string()
}

#[test]
fn an_engine_behind_tls_is_used_where_its_certificate_is_vouched_for() {
    let (certificate, key) = certificate();
    let engine = guarded(Guard {
        identity: Some((certificate.clone(), key)),
        token: Some("right"),
    });
    assert!(engine.url.starts_with("grpcs://"), "{}", engine.url);
    let home = Home::new();
    let remote = home.client_with(&engine.url, |settings| {
        settings.certificates = Some(certificate.into_bytes());
        settings.token = Some("right".to_owned());
    });
    let runner = home.runner("mkdir -p w/build/out/out; : > w/report; echo built");
    let tree = home.tree(&[("greeting", b"hello")]);
    let done = execute(&remote, &action(&[tree]), &runner);
    assert_eq!(done.result.unwrap().status, 0);
    assert_eq!(done.log, "built\n");
}

#[test]
fn an_engine_that_nobody_vouches_for_is_named_with_the_setting() {
    let (own, key) = certificate();
    let (other, _) = certificate();
    let engine = guarded(Guard {
        identity: Some((own, key)),
        token: None,
    });
    let home = Home::new();
    for (given, said) in [
        (
            None,
            "`ca-file` of [remote.double] names certificates that vouch for it",
        ),
        (
            Some(other),
            "neither `ca-file` of [remote.double] nor this machine vouches for it",
        ),
    ] {
        let remote = home.client_with(&engine.url, |settings| {
            settings.certificates = given.map(String::into_bytes)
        });
        let text = unusable(&engine, &remote);
        for word in [
            said,
            "certificate",
            "double is not available",
            engine.url.as_str(),
        ] {
            assert!(text.contains(word), "{word}: {text}");
        }
    }
    assert_eq!(engine.count("GetCapabilities"), 0, "nothing was asked");
}

#[test]
fn a_wrong_token_is_refused_and_never_shown() {
    let engine = guarded(Guard {
        identity: None,
        token: Some("right"),
    });
    let home = Home::new();
    for (given, said) in [
        (
            None,
            "it may want a token, which `token-file` of [remote.double] names",
        ),
        (
            Some("wr0ng"),
            "it does not take the token of `token-file` of [remote.double]",
        ),
    ] {
        let remote = home.client_with(&engine.url, |settings| {
            settings.token = given.map(str::to_owned)
        });
        let text = unusable(&engine, &remote);
        for word in [said, "who are you?", engine.url.as_str()] {
            assert!(text.contains(word), "{word}: {text}");
        }
        assert!(!text.contains("wr0ng"), "{text}");
    }
    let remote = home.client_with(&engine.url, |settings| {
        settings.token = Some("right".to_owned())
    });
    assert!(remote.executes().unwrap());
}
