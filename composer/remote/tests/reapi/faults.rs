//! The table of faults: what an engine can do to us, and what becomes of it.

use std::time::{Duration, Instant};

use bazel_remote_apis::build::bazel::remote::execution::v2 as re;
use xsc_model::{ActionId, Digest, TreeId};
use xsc_remote::reapi::{DigestFunction, EndpointSettings, ExecuteError, Reapi};
use xsc_remote::{Blob, BlobKind, Cache, CacheError};

use crate::double::Double;
use crate::support::{BOTH, Home, action, execute};

const BUILD: &str = r#"
mkdir -p w/build/out/out
cp in/0000/greeting w/build/out/out/greeting
echo '{"Ended":{"Exited":0}}' > w/report
"#;

fn hello() -> Blob {
    Blob {
        kind: BlobKind::File,
        digest: Digest::of(b"hello"),
        size: 5,
    }
}

fn put_hello(cache: &Reapi<'_>) {
    cache.put_many(&[(hello(), b"hello".to_vec())]).unwrap();
}

#[test]
fn an_engine_that_is_not_there_is_asked_once() {
    let home = Home::new();
    // A port that was free a moment ago.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("grpc://{}", free.local_addr().unwrap());
    drop(free);
    let remote = home.client(&url);
    let error = remote.missing(&[hello()]).unwrap_err();
    assert!(matches!(error, CacheError::Unavailable { .. }), "{error}");
    assert!(error.to_string().contains(&url), "{error}");
    assert!(remote.dead().is_some());
    let again = remote.missing(&[hello()]).unwrap_err();
    assert_eq!(again.to_string(), error.to_string());
}

#[test]
fn an_engine_that_is_silent_costs_its_patience_a_single_time() {
    let home = Home::new();
    // It takes connections and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("grpc://{}", silent.local_addr().unwrap());
    let patience = Duration::from_millis(700);
    let remote = home.client_with(&url, |settings| settings.patience.connect = patience);
    let error = remote.missing(&[hello()]).unwrap_err();
    assert!(matches!(error, CacheError::Unavailable { .. }), "{error}");
    // Far more requests than would fit into a minute if each of them waited.
    let begin = Instant::now();
    for _ in 0..1000 {
        assert!(remote.directories(&TreeId(Digest::of(b"tree"))).is_err());
    }
    assert!(begin.elapsed() < Duration::from_secs(60));
    let mut settings = EndpointSettings::new("default", &url);
    assert_eq!(settings.patience.connect, Duration::from_secs(2));
    settings.patience.connect = patience;
}

#[test]
fn an_engine_that_hangs_or_dies_later_is_given_up() {
    for function in BOTH {
        for hang in [true, false] {
            let mut engine = Double::start(function);
            let home = Home::new();
            let cache = home.client_with(&engine.url, |settings| {
                settings.patience.request = Duration::from_millis(500);
            });
            put_hello(&home.client(&engine.url));
            cache.digest_function().unwrap();
            match hang {
                true => engine.fault(|faults| faults.hang = true),
                false => engine.kill(),
            }
            let error = cache.missing(&[hello()]).unwrap_err();
            assert!(matches!(error, CacheError::Unavailable { .. }), "{error}");
            assert!(cache.dead().is_some());
            let tree = home.tree(&[("greeting", b"hello")]);
            let runner = home.runner(BUILD);
            let done = execute(&cache, &action(&[tree]), &runner);
            let error = done.result.unwrap_err();
            let expected = matches!(error, ExecuteError::Cache(CacheError::Unavailable { .. }));
            assert!(expected, "{error}");
        }
    }
}

#[test]
fn an_engine_that_says_unavailable_is_asked_thrice_and_no_more() {
    let engine = Double::start(BOTH[0]);
    let home = Home::new();
    let cache = home.client(&engine.url);
    put_hello(&cache);
    engine.fault(|faults| faults.unavailable = true);
    let error = cache.missing(&[hello()]).unwrap_err();
    assert!(error.to_string().contains("ordered to be"), "{error}");
    assert_eq!(engine.count("FindMissingBlobs"), 3);
    assert!(cache.missing(&[hello()]).is_err());
    assert_eq!(engine.count("FindMissingBlobs"), 3);
}

#[test]
fn a_flipped_blob_is_damage_wherever_it_comes_from() {
    for function in BOTH {
        let engine = Double::start(function);
        let home = Home::new();
        let cache = home.client(&engine.url);
        put_hello(&cache);
        engine.fault(|faults| faults.flip = Some("hello"));
        let error = cache.get(&hello(), &mut Vec::new()).unwrap_err();
        assert!(matches!(error, CacheError::Damaged { .. }), "{error}");
        assert!(
            error.to_string().contains("double"),
            "it names the engine: {error}"
        );
        let mut told = Vec::new();
        cache
            .get_many(&[hello()], &mut |blob, bytes| {
                told.push((*blob, bytes.is_err()));
                Ok(())
            })
            .unwrap();
        assert_eq!(told, [(hello(), true)]);
        // An output of an action.
        let tree = home.tree(&[("greeting", b"other")]);
        let script = BUILD.replace("cp in/0000/greeting", "printf hel%s lo > w/o; cp w/o");
        let runner = home.runner(&script);
        let done = execute(&cache, &action(&[tree]), &runner);
        let error = done.result.unwrap_err();
        let expected = matches!(error, ExecuteError::Cache(CacheError::Damaged { .. }));
        assert!(expected, "{error}");
        assert!(
            cache.dead().is_none(),
            "an engine with a bad disk still answers"
        );
    }
}

#[test]
fn inputs_that_went_lost_are_sent_again_once() {
    for function in BOTH {
        let engine = Double::start(function);
        let home = Home::new();
        let runner = home.runner(BUILD);
        let tree = home.tree(&[("greeting", b"hello")]);
        let remote = home.client(&engine.url);
        engine.fault(|faults| faults.lose_inputs = 1);
        let done = execute(&remote, &action(&[tree]), &runner);
        assert_eq!(done.result.unwrap().status, 0);
        let text = std::fs::read(done.outputs.join("out/greeting")).unwrap();
        assert_eq!(text, b"hello");
        // An engine that loses them again and again runs nothing for us.
        engine.fault(|faults| faults.lose_inputs = 9);
        let other = home.tree(&[("greeting", b"hello again")]);
        let error = execute(&remote, &action(&[other]), &runner)
            .result
            .unwrap_err();
        assert!(matches!(error, ExecuteError::Declined { .. }), "{error}");
        assert_eq!(engine.state().faults.lose_inputs, 7);
    }
}

#[test]
fn outputs_that_went_lost_are_absent_and_a_remembered_result_without_them_is_made_again() {
    for function in BOTH {
        let engine = Double::start(function);
        let home = Home::new();
        let runner = home.runner(BUILD);
        let tree = home.tree(&[("greeting", b"hello")]);
        let remote = home.client_with(&engine.url, |settings| settings.trust_engine = true);
        engine.fault(|faults| faults.lose_outputs = true);
        let error = execute(&remote, &action(&[tree]), &runner)
            .result
            .unwrap_err();
        let expected = matches!(error, ExecuteError::Cache(CacheError::Absent { .. }));
        assert!(expected, "{error}");
        engine.fault(|faults| faults.lose_outputs = false);
        let done = execute(&remote, &action(&[tree]), &runner).result.unwrap();
        assert!(!done.cached);
        assert_eq!(engine.state().ran, 2);
    }
}

#[test]
fn an_output_that_leads_out_of_its_directory_is_refused() {
    for function in BOTH {
        for only_trees in [false, true] {
            let engine = Double::start(function);
            engine.fault(|faults| {
                faults.climb = true;
                faults.only_trees = only_trees;
            });
            let home = Home::new();
            let runner = home.runner(BUILD);
            let tree = home.tree(&[("greeting", b"hello")]);
            let remote = home.client(&engine.url);
            let done = execute(&remote, &action(&[tree]), &runner);
            let error = done.result.unwrap_err();
            assert!(error.to_string().contains("../climbed"), "{error}");
            let parent = done.outputs.parent().unwrap();
            assert!(!parent.join("climbed").exists());
        }
    }
}

#[test]
fn a_forged_entry_is_no_tree_and_moves_no_file() {
    let engine = Double::start(DigestFunction::Sha256);
    let (home, other) = (Home::new(), Home::new());
    let cache = home.client(&engine.url);
    put_hello(&cache);
    let tree = TreeId(Digest::of(b"tree"));
    cache
        .put_directories(&tree, b"records", &[hello()])
        .unwrap();
    // Somebody writes into the tree's slot that our file is another one of theirs.
    let evil = b"evil!";
    let wrong = {
        use sha2::Digest as _;
        let hash = sha2::Sha256::digest(evil);
        hash.iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    {
        let mut state = engine.state();
        state.blobs.insert(wrong.clone(), evil.to_vec());
        for result in state.actions.values_mut() {
            for file in &mut result.output_files {
                file.digest = Some(re::Digest {
                    hash: wrong.clone(),
                    size_bytes: 5,
                });
            }
        }
    }
    let reader = other.client(&engine.url);
    reader.directories(&tree).unwrap();
    let mut bytes = Vec::new();
    reader.get(&hello(), &mut bytes).unwrap();
    // The engine's own digest is right, so it is the caller's check of our digest that finds out.
    assert_ne!(Digest::of(&bytes), hello().digest);
    // Slots that are no slots.
    for change in [
        |result: &mut re::ActionResult| result.stderr_raw = b"parts 0\n".to_vec(),
        |result: &mut re::ActionResult| result.stdout_digest = None,
        |result: &mut re::ActionResult| result.output_files[0].path = "../x".to_owned(),
    ] {
        let before = engine.state().actions.clone();
        engine.state().actions.values_mut().for_each(change);
        let error = reader.directories(&tree).unwrap_err();
        assert!(matches!(error, CacheError::Damaged { .. }), "{error}");
        engine.state().actions = before;
    }
}

#[test]
fn digest_functions_are_negotiated_or_refused() {
    use re::digest_function::Value;
    let both = vec![Value::Sha256 as i32, Value::Blake3 as i32];
    let home = Home::new();
    let engine = Double::offering(DigestFunction::Blake3, both, 0);
    let client = home.client(&engine.url);
    assert_eq!(client.digest_function().unwrap(), DigestFunction::Blake3);
    let engine = Double::offering(DigestFunction::Sha256, vec![Value::Md5 as i32], 0);
    let client = home.client(&engine.url);
    let error = client.digest_function().unwrap_err();
    assert!(matches!(error, CacheError::Refused { .. }), "{error}");
    assert!(error.to_string().contains("MD5"), "{error}");
    let engine = Double::start(DigestFunction::Sha256);
    let client = home.client_with(&engine.url, |settings| {
        settings.digest = Some(DigestFunction::Blake3);
    });
    let error = client.digest_function().unwrap_err();
    assert!(error.to_string().contains("blake3 is needed"), "{error}");
}

#[test]
fn an_address_of_another_kind_is_refused_with_the_right_one() {
    let home = Home::new();
    for url in ["http://127.0.0.1:1", "127.0.0.1:1", "grpc://"] {
        let client = home.client(url);
        let error = client
            .statements(&ActionId(Digest::of(b"")), &[])
            .unwrap_err();
        assert!(
            matches!(error, CacheError::Refused { .. }),
            "{url}: {error}"
        );
    }
}
