//! Follows a script: takes in what the console says, gives what to type, keeps what came of each step.
//!
//! Driven by `runner` with bytes and the time. A command is typed between two words that the shell puts together, so
//! neither its echo nor another program's output is taken for its end. Invariant: pure; the time is what it is told.

use std::collections::VecDeque;
use std::fmt::Write;
use std::time::{Duration, Instant};

use super::{Action, Script, Step};
use crate::console::plain_lines;

/// How much of the console is looked at for one step.
const KEPT: usize = 256 << 10;
/// The lines of a failed command's output that are shown.
const SHOWN: usize = 30;
/// How long a shell that does not answer is left alone before it is asked again.
const AGAIN: Duration = Duration::from_secs(5);

/// Where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Nothing was done for it yet.
    Begin,
    /// The name was asked for and typed.
    Name,
    /// The shell was asked to answer, then.
    Ready(Instant),
    /// The command was typed.
    Command,
}

/// A conversation with a guest, for who has the guest's console: `test`, and tests of `run`.
pub struct Talk {
    steps: VecDeque<Step>,
    /// The step's number; part of the words that mark its beginning and end.
    number: usize,
    phase: Phase,
    /// When the step has to be done.
    until: Option<Instant>,
    /// What the console said since the last match.
    heard: Vec<u8>,
    /// What is to be typed.
    typed: Vec<u8>,
    report: String,
    passed: usize,
    failed: usize,
    abandoned: bool,
}

impl Talk {
    /// Begins with the first step once something is heard or asked for.
    pub fn new(script: &Script) -> Talk {
        Talk {
            steps: script.steps.iter().cloned().collect(),
            number: 1,
            phase: Phase::Begin,
            until: None,
            heard: Vec::new(),
            typed: Vec::new(),
            report: format!("1..{}\n", script.steps.len()),
            passed: 0,
            failed: 0,
            abandoned: false,
        }
    }

    /// Whether every step was done.
    pub fn is_done(&self) -> bool {
        self.steps.is_empty()
    }

    /// Whether a step came to no end, so that those behind it can't be done.
    pub fn is_abandoned(&self) -> bool {
        self.abandoned
    }

    /// Takes in what the console said.
    pub fn hear(&mut self, bytes: &[u8], now: Instant) {
        self.heard.extend(bytes);
        let excess = self.heard.len().saturating_sub(KEPT);
        self.heard.drain(..excess);
        self.go_on(now);
    }

    /// Goes on as far as possible and returns what to type.
    pub fn type_next(&mut self, now: Instant) -> Vec<u8> {
        self.go_on(now);
        std::mem::take(&mut self.typed)
    }

    /// What came of it, as TAP and a verdict line. Steps that were never begun count as failed.
    pub fn report(mut self) -> String {
        for step in std::mem::take(&mut self.steps) {
            self.failed += 1;
            let _ = writeln!(
                self.report,
                "not ok {} - {} (never done)",
                self.number, step.text
            );
            self.number += 1;
        }
        let _ = writeln!(
            self.report,
            "xsc-verdict: pass={} fail={} skip=0 taint=0 warn=0",
            self.passed, self.failed
        );
        self.report
    }

    fn go_on(&mut self, now: Instant) {
        while !self.abandoned
            && let Some(step) = self.steps.front().cloned()
        {
            let until = *self.until.get_or_insert(now + step.limit);
            match self.advance(&step, now) {
                Some(outcome) => self.finish(&step, outcome),
                None if now >= until => {
                    let waited = format!("waited {} s in vain", step.limit.as_secs());
                    let said = self.text();
                    self.finish(&step, Err((waited, said)));
                    self.abandoned = true;
                }
                None => return,
            }
        }
    }

    fn finish(&mut self, step: &Step, outcome: Result<(), (String, String)>) {
        match outcome {
            Ok(()) => {
                self.passed += 1;
                let _ = writeln!(self.report, "ok {} - {}", self.number, step.text);
            }
            Err((why, said)) => {
                self.failed += 1;
                let _ = writeln!(
                    self.report,
                    "not ok {} - {} ({why})",
                    self.number, step.text
                );
                let lines: Vec<&str> = said.lines().collect();
                for line in &lines[lines.len().saturating_sub(SHOWN)..] {
                    let _ = writeln!(self.report, "# {line}");
                }
            }
        }
        self.steps.pop_front();
        self.number += 1;
        self.phase = Phase::Begin;
        self.until = None;
    }

    /// One step's next move; its outcome once there is one.
    fn advance(&mut self, step: &Step, now: Instant) -> Option<Result<(), (String, String)>> {
        match &step.action {
            Action::Expect(text) => self.wait_for(text).then_some(Ok(())),
            Action::Send(line) => {
                self.heard.clear();
                self.enter(line);
                Some(Ok(()))
            }
            Action::Login { user, password } => self.log_in(user, password.as_deref(), now),
            Action::Shell => self.ready(now),
            Action::Run {
                command,
                succeeds,
                says,
                lacks,
            } => {
                if self.phase == Phase::Begin {
                    self.heard.clear();
                    let n = self.number;
                    let quoted = command.replace('\'', "'\\''");
                    self.enter(&format!(
                        "echo xsc-{n}-''begin; eval '{quoted}'; echo xsc-{n}-''end-$?"
                    ));
                    self.phase = Phase::Command;
                    return None;
                }
                let (status, said) = self.ended()?;
                self.heard.clear();
                let missing = says.iter().find(|text| !said.contains(*text));
                let unwanted = lacks.iter().find(|text| said.contains(*text));
                let why = if (status == "0") != *succeeds {
                    format!("it ended with {status}")
                } else if let Some(text) = missing {
                    format!("it does not say `{text}`")
                } else if let Some(text) = unwanted {
                    format!("it says `{text}`")
                } else {
                    return Some(Ok(()));
                };
                Some(Err((why, said)))
            }
        }
    }

    fn log_in(
        &mut self,
        user: &str,
        password: Option<&str>,
        now: Instant,
    ) -> Option<Result<(), (String, String)>> {
        if self.phase == Phase::Begin && self.wait_for("login:") {
            self.enter(user);
            self.phase = Phase::Name;
        }
        if self.phase == Phase::Name {
            match password {
                Some(password) if self.wait_for("assword:") => {
                    self.enter(password);
                    self.phase = Phase::Ready(now);
                }
                Some(_) => return None,
                None => self.phase = Phase::Ready(now),
            }
        }
        match self.phase {
            Phase::Ready(_) if self.text().contains("Login incorrect") => {
                Some(Err(("the login was refused".to_owned(), self.text())))
            }
            Phase::Ready(_) => self.ready(now),
            _ => None,
        }
    }

    /// Asks the shell to say something, now and then, until it does: a login may drop what was typed too early.
    fn ready(&mut self, now: Instant) -> Option<Result<(), (String, String)>> {
        let word = format!("xsc-{}-ready", self.number);
        match self.phase {
            Phase::Ready(_) if self.heard_line(&word) => {
                self.heard.clear();
                return Some(Ok(()));
            }
            Phase::Ready(asked) if now < asked + AGAIN => return None,
            Phase::Begin => {
                self.phase = Phase::Ready(now);
                return None;
            }
            _ => {}
        }
        self.enter(&format!("echo xsc-{}-''ready", self.number));
        self.phase = Phase::Ready(now);
        None
    }

    /// The status and the output of the command, once it has ended.
    fn ended(&self) -> Option<(String, String)> {
        let text = self.text();
        let begin = format!("xsc-{}-begin\n", self.number);
        let end = format!("xsc-{}-end-", self.number);
        let from = text.find(&begin)? + begin.len();
        let (said, rest) = text[from..].split_once(&end)?;
        let (status, _) = rest.split_once('\n')?;
        let whole = !status.is_empty() && status.bytes().all(|b| b.is_ascii_digit());
        whole.then(|| (status.to_owned(), said.to_owned()))
    }

    /// Whether the console said this; what comes up to its end is then done with.
    fn wait_for(&mut self, text: &str) -> bool {
        let found = self.text().contains(text);
        if found {
            self.heard.clear();
        }
        found
    }

    fn heard_line(&self, word: &str) -> bool {
        self.text().lines().any(|line| line.trim_end() == word)
    }

    fn text(&self) -> String {
        let mut text = plain_lines(&self.heard).join("\n");
        if self.heard.ends_with(b"\n") {
            text.push('\n');
        }
        text
    }

    fn enter(&mut self, line: &str) {
        self.typed.extend(line.as_bytes());
        self.typed.push(b'\n');
    }
}

#[cfg(test)]
mod tests;
