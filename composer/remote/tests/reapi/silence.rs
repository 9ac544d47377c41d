//! Long actions of which the engine says nothing: it is asked, never pinged, and believed while it answers.
//!
//! Part of the tests of `main.rs`. Invariant: no test depends on how fast the machine is, below a minute.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use xsc_remote::CacheError;
use xsc_remote::reapi::ExecuteError;

use crate::double::Double;
use crate::support::{BOTH, Home, action, execute_until};

/// Short, and yet enough for an engine in this process to answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// When a test has waited long enough for what should come after a few patiences.
const ENOUGH: Duration = Duration::from_secs(60);

/// Waits until `done`; false if that is never.
fn wait_for(done: impl Fn() -> bool) -> bool {
    let begin = Instant::now();
    while !done() {
        if begin.elapsed() > ENOUGH {
            return false;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    true
}

/// Passes connections on to the engine at `url` and counts the pings of clients: its own address, and the count.
fn proxy(url: &str) -> (String, Arc<AtomicUsize>) {
    let engine = url.trim_start_matches("grpc://").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let own = format!("grpc://{}", listener.local_addr().unwrap());
    let pings = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&pings);
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let client = client.unwrap();
            let engine = TcpStream::connect(&engine).unwrap();
            let back = (engine.try_clone().unwrap(), client.try_clone().unwrap());
            std::thread::spawn(move || {
                let (mut from, mut to) = back;
                let _ = std::io::copy(&mut from, &mut to);
                let _ = to.shutdown(Shutdown::Both);
            });
            let count = Arc::clone(&count);
            std::thread::spawn(move || {
                // It ends when a side has gone.
                let _ = pass_frames(&client, &engine, &count);
                let _ = engine.shutdown(Shutdown::Both);
            });
        }
    });
    (own, pings)
}

/// Passes the frames of HTTP/2 on, which follow a preface of 24 bytes.
fn pass_frames(
    mut from: &TcpStream,
    mut to: &TcpStream,
    pings: &AtomicUsize,
) -> std::io::Result<()> {
    let mut preface = [0; 24];
    from.read_exact(&mut preface)?;
    to.write_all(&preface)?;
    loop {
        let mut head = [0; 9];
        from.read_exact(&mut head)?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        // PING, and no answer to one.
        if head[3] == 6 && head[4] & 1 == 0 {
            pings.fetch_add(1, Ordering::SeqCst);
        }
        let mut body = vec![0; length as usize];
        from.read_exact(&mut body)?;
        to.write_all(&head)?;
        to.write_all(&body)?;
    }
}

#[test]
fn a_long_action_is_waited_for_while_the_engine_answers() {
    // An answer that is an error is one as well.
    for unavailable in [false, true] {
        let engine = Double::start(BOTH[0]);
        let (url, pings) = proxy(&engine.url);
        let home = Home::new();
        // It ends when it is told to, and after five minutes in any case.
        let end = home.temp.path().join("end");
        let runner = home.runner(&format!(
            "echo '{{\"Ended\":{{\"Exited\":0}}}}' > w/report; mkdir -p w/build/out/out
             n=0; while [ ! -e {} ]; do sleep 0.1; n=$((n+1)); [ $n -lt 3000 ] || exit 7; done",
            end.display()
        ));
        let tree = home.tree(&[("greeting", b"hello")]);
        let remote = home.client_with(&url, |settings| settings.patience.request = PATIENCE);
        let one = action(&[tree]);
        let cancel = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let wait = scope.spawn(|| execute_until(&remote, &one, &runner, &cancel).result);
            let mut well = wait_for(|| engine.count("Execute") == 1);
            engine.fault(|faults| faults.unavailable = unavailable);
            let before = engine.count("GetCapabilities");
            well &= wait_for(|| engine.count("GetCapabilities") >= before + 3);
            let asked = engine.count("GetCapabilities") - before;
            engine.fault(|faults| faults.unavailable = false);
            std::fs::write(&end, "").unwrap();
            let executed = wait.join().unwrap().unwrap();
            assert_eq!(executed.status, 0);
            assert!(well, "it was asked {asked} times");
        });
        assert_eq!(engine.count("Execute"), 1);
        assert!(remote.dead().is_none());
        assert_eq!(
            pings.load(Ordering::SeqCst),
            0,
            "gRPC servers hang up on them"
        );
    }
}

#[test]
fn an_engine_that_hangs_while_an_action_runs_is_given_up() {
    let engine = Double::start(BOTH[0]);
    engine.fault(|faults| faults.hang_execution = true);
    let home = Home::new();
    let runner = home.runner("exit 1");
    let tree = home.tree(&[("greeting", b"hello")]);
    let remote = home.client_with(&engine.url, |settings| settings.patience.request = PATIENCE);
    let one = action(&[tree]);
    let cancel = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let wait = scope.spawn(|| execute_until(&remote, &one, &runner, &cancel).result);
        wait_for(|| engine.count("Execute") == 1);
        engine.fault(|faults| faults.hang = true);
        let begin = Instant::now();
        wait_for(|| wait.is_finished());
        cancel.store(true, Ordering::SeqCst);
        let error = wait.join().unwrap().unwrap_err();
        let expected = matches!(error, ExecuteError::Cache(CacheError::Unavailable { .. }));
        assert!(expected, "after {} s: {error}", begin.elapsed().as_secs());
        assert!(error.to_string().contains("while an action ran"), "{error}");
    });
    assert!(remote.dead().is_some());
}

#[test]
fn an_interrupt_ends_the_wait_for_an_answer_too() {
    let engine = Double::start(BOTH[0]);
    engine.fault(|faults| faults.hang_execution = true);
    let home = Home::new();
    let runner = home.runner("exit 1");
    let tree = home.tree(&[("greeting", b"hello")]);
    // Long enough that no answer is given up before the interrupt is seen.
    let patience = PATIENCE * 5;
    let remote = home.client_with(&engine.url, |settings| settings.patience.request = patience);
    let one = action(&[tree]);
    let cancel = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let wait = scope.spawn(|| execute_until(&remote, &one, &runner, &cancel).result);
        wait_for(|| engine.count("Execute") == 1);
        let before = engine.count("GetCapabilities");
        engine.fault(|faults| faults.hang = true);
        let asked = wait_for(|| engine.count("GetCapabilities") > before);
        cancel.store(true, Ordering::SeqCst);
        let error = wait.join().unwrap().unwrap_err();
        assert!(asked);
        assert!(matches!(error, ExecuteError::Cancelled), "{error}");
    });
    assert!(remote.dead().is_none());
}
