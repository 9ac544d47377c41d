//! Fuzzing of lowering and evaluation: whatever the text, the end is a value or an error, soon and in little memory.
//!
//! `./x fuzz-eval [EXECUTIONS]` runs many; `cargo test` runs few. XSC_FUZZ_EXECUTIONS and XSC_FUZZ_SEED set number
//! and seed, XSC_FUZZ_AT=N shows and runs input N alone. Executions run in child processes, so that a stack
//! overflow or an abort is found, too. Invariant: steps, memory and time of one execution are bounded.

#[path = "../oracle/generate/mod.rs"]
mod generate;
mod inputs;

use std::fs;
use std::io::{Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, UsageWho, getrusage, setrlimit};
use xsc_eval::{Evaluator, MemoryIo};

use self::inputs::{Corpus, Numbers};

/// Executions of a run that asks for no number, and of one child process.
const EXECUTIONS: u64 = 2_000;
const CHUNK: u64 = 25_000;

/// Bounds of one execution: steps, and processor time after which it counts as hanging.
const STEPS: u64 = 50_000;
const PATIENCE: Duration = Duration::from_secs(20);

/// Address space of a child, in bytes. Most of it is never touched: stacks grow into it.
const MEMORY: u64 = 16 << 30;

/// The environment variable that makes a process a child: first and last execution, and the file of the
/// texts that inputs are made of.
const CHILD: &str = "XSC_FUZZ_CHILD";

fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is not a number: {text}")),
    )
}

/// Everything that may be done with a text and its value. Returns whether it had one.
fn execute(text: &str) -> bool {
    let io = MemoryIo::new([
        ("/self.nix", text),
        ("/a/default.nix", "{ x = 1; f = x: x; }"),
        ("/a/b.nix", "{ a, ... }: a"),
        ("/broken.nix", "let in"),
        ("/text", "text\n"),
    ]);
    let evaluator = Evaluator::builder(io).max_steps(STEPS).build();
    match evaluator.eval_file("/self.nix") {
        Ok(value) => {
            let deep = evaluator.force_deep(&value);
            evaluator.show(&value);
            if let Err(error) = evaluator.value_to_json(&value) {
                evaluator.render(&error);
            }
            if let Err(error) = &deep {
                evaluator.render(error);
            }
            deep.is_ok()
        }
        Err(error) => {
            evaluator.render(&error);
            false
        }
    }
}

fn input(corpus: &Corpus, seed: u64, index: u64) -> String {
    corpus.input(&mut Numbers::new(seed, index))
}

/// A child: runs its executions. Says the number of each before, and of the values at the end, each as eight
/// bytes: to a pipe, because a busy disk can hold up whoever writes a file.
fn child(words: &str, seed: u64) -> ExitCode {
    let mut words = words.split(' ');
    let mut number = || {
        words
            .next()
            .and_then(|word| word.parse().ok())
            .expect("the parent gives numbers")
    };
    let (first, last): (u64, u64) = (number(), number());
    let texts = words.next().and_then(|file| fs::read(file).ok());
    let texts = texts.and_then(|texts| serde_json::from_slice(&texts).ok());
    let corpus = Corpus::new(texts.expect("the parent wrote the texts"));
    setrlimit(Resource::RLIMIT_AS, MEMORY, MEMORY).expect("a limit may be lowered");
    let mut say = std::io::stdout().lock();
    let current = Arc::new(AtomicU64::new(first));
    watch(&current);
    let mut values = 0u64;
    for index in first..last {
        say.write_all(&index.to_le_bytes())
            .expect("the parent reads");
        say.flush().expect("the parent reads");
        current.store(index, Ordering::Relaxed);
        let text = input(&corpus, seed, index);
        match catch_unwind(AssertUnwindSafe(|| execute(&text))) {
            Ok(value) => values += u64::from(value),
            Err(_) => return ExitCode::FAILURE,
        }
    }
    say.write_all(&values.to_le_bytes())
        .expect("the parent reads");
    say.flush().expect("the parent reads");
    ExitCode::SUCCESS
}

/// Processor time that this process has used. Others on the machine do not make an execution hang.
fn used() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_SELF).expect("a process knows its own usage");
    let seconds = u64::try_from(usage.user_time().tv_sec()).unwrap_or(0);
    Duration::from_secs(seconds)
}

/// Ends the process when one execution takes too long.
fn watch(current: &Arc<AtomicU64>) {
    let current = current.clone();
    std::thread::spawn(move || {
        let (mut seen, mut since) = (u64::MAX, used());
        loop {
            std::thread::sleep(Duration::from_millis(200));
            let index = current.load(Ordering::Relaxed);
            if index != seen {
                (seen, since) = (index, used());
            } else if used() - since > PATIENCE {
                eprintln!("execution {index} does not end");
                std::process::exit(3);
            }
        }
    });
}

/// Runs a child; the number of values, or what it died of and at which execution.
fn run_child(first: u64, last: u64, seed: u64, texts: &Path) -> Result<u64, (u64, String)> {
    let program = std::env::current_exe().expect("a process knows its program");
    let mut child = Command::new(program)
        .env(CHILD, format!("{first} {last} {}", texts.display()))
        .env("XSC_FUZZ_SEED", seed.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("this program starts");
    let mut said = std::io::BufReader::new(child.stdout.take().expect("stdout is a pipe"));
    let mut stderr = child.stderr.take().expect("stderr is a pipe");
    let complaint = std::thread::spawn(move || {
        let mut text = String::new();
        let _ = stderr.read_to_string(&mut text);
        text
    });
    let (mut word, mut latest) = ([0; 8], first);
    while said.read_exact(&mut word).is_ok() {
        latest = u64::from_le_bytes(word);
    }
    let status = child.wait().expect("the child ends when its pipe does");
    if status.success() {
        return Ok(latest);
    }
    let complaint = complaint.join().unwrap_or_default();
    let reason: Vec<&str> = complaint
        .lines()
        .filter(|line| !line.trim().is_empty())
        .take(6)
        .collect();
    Err((latest, format!("{status}: {}", reason.join("\n    "))))
}

fn main() -> ExitCode {
    let seed = setting("XSC_FUZZ_SEED").unwrap_or(1);
    if let Ok(words) = std::env::var(CHILD) {
        return child(&words, seed);
    }
    // `cargo test` asks every harness for its list, and may name tests that this is not.
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--list") {
        println!("fuzz: test");
        return ExitCode::SUCCESS;
    }
    if arguments
        .iter()
        .any(|argument| !argument.starts_with('-') && !"fuzz".contains(argument.as_str()))
    {
        return ExitCode::SUCCESS;
    }
    let texts = Corpus::texts();
    let json = serde_json::to_vec(&texts).expect("texts have a JSON form");
    let corpus = Corpus::new(texts);
    if let Some(index) = setting("XSC_FUZZ_AT") {
        let text = input(&corpus, seed, index);
        println!("{text}");
        let _ = std::io::stdout().flush();
        println!("a value: {}", execute(&text));
        return ExitCode::SUCCESS;
    }
    let executions = setting("XSC_FUZZ_EXECUTIONS").unwrap_or(EXECUTIONS);
    let directory = tempfile::tempdir().expect("the machine has a temporary directory");
    let texts = directory.path().join("texts");
    fs::write(&texts, json).expect("the temporary directory can be written");
    let start = Instant::now();
    let (mut first, mut values, mut failures) = (0, 0, 0);
    while first < executions {
        let last = (first + CHUNK).min(executions);
        match run_child(first, last, seed, &texts) {
            Ok(more) => {
                values += more;
                first = last;
            }
            Err((index, reason)) => {
                failures += 1;
                println!("execution {index} of seed {seed}: {reason}");
                println!("    again: XSC_FUZZ_SEED={seed} XSC_FUZZ_AT={index}; the input:");
                println!("{}", input(&corpus, seed, index));
                first = index + 1;
            }
        }
        if first < executions {
            let rate = first as f64 / start.elapsed().as_secs_f64();
            println!("{first} of {executions} executions, {rate:.0} a second, {failures} failures");
        }
    }
    let rate = executions as f64 / start.elapsed().as_secs_f64();
    println!(
        "fuzz-eval: {executions} executions of seed {seed} from {} files, {values} values, {rate:.0} a second, {failures} failures",
        corpus.len()
    );
    if failures == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
