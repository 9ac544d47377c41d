//! The two evaluators that are compared: Nix's own `nix-instantiate`, and ours, on the same files.
//!
//! `Oracle::run` starts few processes: each evaluates files one after the other and stops at the first error,
//! and the next goes on behind it. Invariant: an outcome says value or error, never what the error was,
//! because messages are each evaluator's own.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::generate::NAMES;
use xsc_eval::{ErrorKind, Evaluator, NixString, StdIo, Value};

/// One process may take this long before it counts as hanging.
const PATIENCE: Duration = Duration::from_secs(60);

/// Files that one process is given.
const BATCH: usize = 200;

/// What an expression gave.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    /// The value as `describe.nix` tells it.
    Value(serde_json::Value),
    /// An error that `tryEval` does not catch, or bad syntax.
    Error(String),
}

impl Outcome {
    pub(crate) fn agrees(&self, other: &Outcome) -> bool {
        match (self, other) {
            (Outcome::Value(a), Outcome::Value(b)) => a == b,
            (Outcome::Error(_), Outcome::Error(_)) => true,
            _ => false,
        }
    }
}

/// An installed Nix.
pub(crate) struct Oracle {
    program: PathBuf,
    /// Major and minor version.
    pub(crate) version: (u32, u32),
}

impl Oracle {
    /// `XSC_NIX_INSTANTIATE`, or `nix-instantiate` of the path; otherwise why there is none.
    pub(crate) fn find() -> Result<Oracle, String> {
        let program = match std::env::var_os("XSC_NIX_INSTANTIATE") {
            Some(program) => PathBuf::from(program),
            None => PathBuf::from("nix-instantiate"),
        };
        let output = Command::new(&program).arg("--version").output();
        let output =
            output.map_err(|error| format!("{} does not start: {error}", program.display()))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let version = text.split_whitespace().last().and_then(|version| {
            let mut parts = version.split('.');
            Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
        });
        match version {
            Some(version) => Ok(Oracle { program, version }),
            None => Err(format!("{} names no version: {text}", program.display())),
        }
    }

    /// Whether JSON keeps all digits of numbers, and integer overflow is an error.
    pub(crate) fn is_modern(&self) -> bool {
        self.version >= (2, 25)
    }

    /// Whether a file parses; otherwise Nix's words.
    pub(crate) fn parse(&self, file: &Path) -> Result<(), String> {
        let output = Command::new(&self.program)
            .args(["--parse", "--store", "dummy://"])
            .arg(file)
            .output()
            .map_err(|error| error.to_string())?;
        if output.status.success() {
            return Ok(());
        }
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// The outcomes of all files, in order.
    pub(crate) fn run(&self, directory: &Path, files: &[PathBuf]) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        while outcomes.len() < files.len() {
            let rest = &files[outcomes.len()..];
            let batch = &rest[..rest.len().min(BATCH)];
            let (values, error) = self.process(directory, batch);
            let done = values.len();
            outcomes.extend(values.into_iter().map(Outcome::Value));
            if done < batch.len() {
                outcomes.push(Outcome::Error(error));
            }
        }
        outcomes
    }

    /// One process: the values up to the first error, and the error.
    fn process(&self, directory: &Path, files: &[PathBuf]) -> (Vec<serde_json::Value>, String) {
        let mut command = Command::new(&self.program);
        command.args(["--eval", "--strict", "--json", "--readonly-mode"]);
        command.args(["--store", "dummy://"]).args(files);
        command.env("NIX_STATE_DIR", directory.join("state"));
        command.env("NIX_LOG_DIR", directory.join("log"));
        command.env("HOME", directory).env_remove("NIX_PATH");
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("it started before");
        let stdout = collect(child.stdout.take().expect("stdout is a pipe"));
        let stderr = collect(child.stderr.take().expect("stderr is a pipe"));
        let in_time = wait(&mut child);
        let stdout = stdout.join().expect("the reader does not panic");
        let stderr = stderr.join().expect("the reader does not panic");
        // Old versions put nothing between two values; as strings they can be told apart.
        let values = serde_json::Deserializer::from_slice(&stdout).into_iter();
        let mut values: Vec<serde_json::Value> = values
            .map_while(Result::ok)
            .map(|text: String| the_value(&text))
            .collect();
        values.truncate(files.len());
        let error = if in_time {
            let stderr = String::from_utf8_lossy(&stderr);
            let message = stderr
                .lines()
                .rfind(|line| line.trim_start().starts_with("error:"));
            message.unwrap_or("no message").trim().to_owned()
        } else {
            "no end".to_owned()
        };
        (values, error)
    }
}

/// The JSON that a file evaluates to, with floats read back: some evaluators write more digits than needed.
fn the_value(text: &str) -> serde_json::Value {
    let mut value = serde_json::from_str(text).expect("`toJSON` makes JSON");
    read_floats(&mut value);
    value
}

fn read_floats(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Array(items) => items.iter_mut().for_each(read_floats),
        serde_json::Value::Object(object) => {
            let parts = object
                .get_mut("float")
                .and_then(|parts| parts.as_array_mut());
            if let Some([_, exact]) = parts.map(Vec::as_mut_slice)
                && let Some(number) = exact.as_str().and_then(|text| text.parse::<f64>().ok())
            {
                *exact = number.into();
            }
            object.values_mut().for_each(read_floats);
        }
        _ => {}
    }
}

fn collect(mut pipe: impl Read + Send + 'static) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes);
        bytes
    })
}

/// Waits for a process, and ends it when it takes too long.
fn wait(child: &mut Child) -> bool {
    let start = Instant::now();
    let mut pause = Duration::from_millis(2);
    while let Ok(None) = child.try_wait() {
        if start.elapsed() > PATIENCE {
            let _ = child.kill();
            let _ = child.wait();
            return false;
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    }
    true
}

/// A directory of files that both evaluators read.
pub(crate) struct Workspace {
    directory: tempfile::TempDir,
    modern: bool,
}

impl Workspace {
    pub(crate) fn new(modern: bool) -> Workspace {
        let directory = tempfile::tempdir().expect("the machine has a temporary directory");
        fs::write(
            directory.path().join("describe.nix"),
            include_str!("describe.nix"),
        )
        .expect("the temporary directory can be written");
        Workspace { directory, modern }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Writes a file that describes the value of `expression`.
    pub(crate) fn file(&self, name: &str, expression: &str) -> PathBuf {
        let path = self.directory.path().join(format!("{name}.nix"));
        let modern = self.modern;
        // Sets are compared in the order in which a process met the names, so it meets them in one order.
        let names: Vec<String> = NAMES.iter().map(|name| format!("{name} = 0;")).collect();
        let names = names.join(" ");
        let text = format!(
            "let names = {{ {names} }}; in builtins.toJSON (import ./describe.nix {{ modern = {modern}; depth = 6; }} (\n{expression}\n))\n"
        );
        fs::write(&path, text).expect("the temporary directory can be written");
        path
    }

    /// Evaluates expressions by the oracle and by us.
    pub(crate) fn compare(
        &self,
        oracle: &Oracle,
        expressions: &[String],
    ) -> Vec<(Outcome, Outcome)> {
        let files: Vec<PathBuf> = expressions
            .iter()
            .enumerate()
            .map(|(index, expression)| self.file(&format!("case{index}"), expression))
            .collect();
        let theirs = oracle.run(self.directory.path(), &files);
        theirs
            .into_iter()
            .zip(files.iter().map(|file| ours(file)))
            .collect()
    }
}

/// A derivation whose paths say nothing but that they are paths.
const DERIVATION: &str = r#"
    attrs:
    let
      outputs = attrs.outputs or [ "out" ];
      common = attrs // all // { drvAttrs = attrs; all = builtins.attrValues all; };
      all = builtins.listToAttrs (map (name: { inherit name; value = output name; }) outputs);
      output = outputName: common // {
        inherit outputName;
        outPath = "/nix/store/00000000000000000000000000000000-${attrs.name}-${outputName}";
        drvPath = "/nix/store/00000000000000000000000000000000-${attrs.name}.drv";
        type = "derivation";
      };
    in output (builtins.head outputs)
"#;

/// Ours, with the machine's root as its own, so that paths are the same as Nix's.
fn evaluator() -> Evaluator {
    let io = StdIo::open("/").expect("the root can be opened");
    // What a host adds: nixpkgs' library mentions it, and its tests look at names and outputs.
    let derivation = |evaluator: &Evaluator, args: &[Value]| {
        let function = evaluator.eval_str("derivation", "/", DERIVATION)?;
        evaluator.call(&function, args[0].clone())
    };
    let in_store = |_: &Evaluator, path: &str| {
        let name = path.rsplit('/').next().unwrap_or("root");
        let text = format!("/nix/store/00000000000000000000000000000000-{name}");
        let context = [Rc::from(text.as_str())].into();
        Ok(NixString::from(text).with_context(context))
    };
    Evaluator::builder(io)
        .path_to_string(in_store)
        .builtin("derivation", 1, "Not available here.", derivation)
        .global_builtin("derivation")
        .eager(true)
        .max_steps(20_000_000)
        .build()
}

/// What our evaluator makes of a file.
pub(crate) fn ours(file: &Path) -> Outcome {
    let evaluator = evaluator();
    let path = file
        .to_str()
        .expect("temporary directories have plain names");
    let text = evaluator
        .eval_file(path)
        .and_then(|value| evaluator.to_text(&value));
    match text {
        Ok(text) => Outcome::Value(the_value(&text.to_string_lossy())),
        Err(error) => {
            assert!(
                !matches!(error.kind(), ErrorKind::TooManySteps { .. }),
                "the budget of a comparison is too small"
            );
            Outcome::Error(error.to_string())
        }
    }
}
