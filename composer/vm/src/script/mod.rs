//! A test as a person at the console would do it: words to type and what has to come back, a line each.
//!
//! `read` makes a `Script` of a file beside a profile, `talk` follows it while the guest runs. profiles/README.md lists
//! the words. Invariant: a script says nothing about the host; it only types on the console and reads it.

mod read;
mod talk;

use std::time::Duration;

pub use read::ScriptError;
pub use talk::Talk;

/// A test by console, read from a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    steps: Vec<Step>,
}

/// One thing that is done, and has to work.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    /// The line of the file, for people.
    text: String,
    action: Action,
    /// How long it may take.
    limit: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Action {
    /// Waits until the console says this.
    Expect(String),
    /// Types a line.
    Send(String),
    /// Answers a login prompt, then waits for the shell.
    Login {
        user: String,
        password: Option<String>,
    },
    /// Waits for the shell that a console without a login has.
    Shell,
    /// Runs a command in the shell.
    Run {
        command: String,
        /// Whether it has to end with 0; else it has to end with something else.
        succeeds: bool,
        /// What its output has to contain.
        says: Vec<String>,
        /// What its output must not contain.
        lacks: Vec<String>,
    },
}
