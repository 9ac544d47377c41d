//! Times the evaluator against `nix-instantiate --eval --strict` on the expressions in `cases/`.
//!
//! Run as `just bench-eval [NAME...]` or `./x bench-eval`. The program is also its own subject: with
//! `--eval FILE` it evaluates one file, so that a run is a whole process, start and end included.
//! Invariant: the two evaluators take turns within one run, and a case counts only if both print the same.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use nix::sys::resource::{Usage, UsageWho, getrusage};
use xsc_eval::{Evaluator, StdIo};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Runs of each evaluator for a case; the smallest time counts, as all noise adds.
const RUNS: usize = 5;

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| arg != "--bench")
        .collect();
    let result = match &args[..] {
        [flag, file] if flag == "--eval" => evaluate(Path::new(file)),
        wanted => compare(wanted),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// What `nix-instantiate --eval --strict FILE` does.
fn evaluate(file: &Path) -> Result<(), Failure> {
    let root = repository();
    let name = file.canonicalize()?;
    let name = name.strip_prefix(&root)?.to_str();
    let io = StdIo::open(&root)?;
    let evaluator = Evaluator::builder(io).eager(true).build();
    let value = evaluator
        .eval_file(name.ok_or("the file's name is not UTF-8")?)
        .and_then(|value| evaluator.force_deep(&value))
        .map_err(|error| evaluator.render(&error))?;
    println!("{}", evaluator.show(&value));
    // The process ends here; giving the memory back piece by piece would be for nothing.
    std::process::exit(0)
}

fn repository() -> PathBuf {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    crate_folder
        .ancestors()
        .nth(2)
        .unwrap_or(crate_folder)
        .to_owned()
}

struct Times {
    ours: f64,
    nix: f64,
}

fn compare(wanted: &[String]) -> Result<(), Failure> {
    let scratch = tempfile::tempdir()?;
    let Ok(version) = Command::new("nix-instantiate").arg("--version").output() else {
        println!("skipped: nix-instantiate is not installed (Debian's nix-bin has it)");
        return Ok(());
    };
    let version = String::from_utf8(version.stdout)?;
    let mut cases: Vec<PathBuf> = Vec::new();
    for entry in Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("benches/cases")
        .read_dir()?
    {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "nix") {
            cases.push(path);
        }
    }
    cases.sort();
    println!(
        "user + system time of whole processes in ms, best of {RUNS}, against {}",
        version.trim()
    );
    println!("{:24} {:>9} {:>9} {:>7}", "case", "ours", "nix", "ratio");
    let mut logarithms = Vec::new();
    let mut slower = 0;
    for case in &cases {
        let name = case
            .file_stem()
            .and_then(|name| name.to_str())
            .ok_or("a case's name is not UTF-8")?;
        if !wanted.is_empty() && !wanted.iter().any(|wanted| name.contains(wanted.as_str())) {
            continue;
        }
        let times = measure(case, scratch.path()).map_err(|error| format!("{name}: {error}"))?;
        let ratio = times.ours / times.nix;
        println!("{name:24} {:9.1} {:9.1} {ratio:7.2}", times.ours, times.nix);
        logarithms.push(ratio.ln());
        slower += usize::from(ratio > 1.0);
    }
    #[expect(clippy::cast_precision_loss, reason = "a few dozen cases")]
    let mean = (logarithms.iter().sum::<f64>() / logarithms.len() as f64).exp();
    println!("{:24} {:>9} {:>9} {mean:7.2}", "geometric mean", "", "");
    println!("{} cases, {slower} slower than Nix", logarithms.len());
    if wanted.is_empty() {
        profiles()?;
    }
    Ok(())
}

/// Evaluates every profile of the repository, each in a process of its own.
fn profiles() -> Result<(), Failure> {
    let name = "all profiles, cold";
    let Some(program) = std::env::var_os("XSC_COMPOSE") else {
        println!("{name:24} skipped: XSC_COMPOSE does not name the program");
        return Ok(());
    };
    let mut best = f64::INFINITY;
    let mut count = 0;
    for _ in 0..RUNS {
        let mut sum = 0.0;
        count = 0;
        for entry in repository().join("profiles").read_dir()? {
            let path = entry?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "toml")
            {
                sum += run(Command::new(&program).arg("eval").arg(&path))?.0;
                count += 1;
            }
        }
        best = best.min(sum);
    }
    println!("{name:24} {best:9.1} for {count} of them");
    Ok(())
}

fn measure(case: &Path, scratch: &Path) -> Result<Times, Failure> {
    let mut ours = Command::new(std::env::current_exe()?);
    ours.arg("--eval").arg(case);
    let mut nix = Command::new("nix-instantiate");
    nix.args(["--eval", "--strict"]).arg(case);
    for (variable, directory) in [
        ("NIX_STATE_DIR", "state"),
        ("NIX_STORE_DIR", "store"),
        ("NIX_LOG_DIR", "log"),
        ("NIX_CONF_DIR", "conf"),
    ] {
        nix.env(variable, scratch.join(directory));
    }
    let mut best = Times {
        ours: f64::INFINITY,
        nix: f64::INFINITY,
    };
    for _ in 0..RUNS {
        let (time, text) = run(&mut ours)?;
        best.ours = best.ours.min(time);
        let (time, expected) = run(&mut nix)?;
        best.nix = best.nix.min(time);
        if text != expected {
            return Err(format!("we print {text}, Nix prints {expected}").into());
        }
    }
    Ok(best)
}

/// The time in ms that a process and what it starts take, and what it prints.
fn run(command: &mut Command) -> Result<(f64, String), Failure> {
    let before = used(&getrusage(UsageWho::RUSAGE_CHILDREN)?);
    let output = command.stdin(Stdio::null()).output()?;
    let after = used(&getrusage(UsageWho::RUSAGE_CHILDREN)?);
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok((after - before, String::from_utf8(output.stdout)?))
}

fn used(usage: &Usage) -> f64 {
    [usage.user_time(), usage.system_time()]
        .iter()
        .map(|time| time.tv_sec() as f64 * 1000.0 + time.tv_usec() as f64 / 1000.0)
        .sum()
}
