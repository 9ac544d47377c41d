//! What became of a command: the runner's half of the interface.
//! `Message` is what travels, one JSON object a line, over a pipe that the command has no access to.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::SetupFailure;

/// How the command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It exited with this status, 0 to 255.
    Exited(i32),
    /// This signal killed it.
    Signaled(i32),
    /// It was killed since it ran into a limit.
    TimedOut {
        /// Which one.
        limit: TimeLimit,
        /// How long that limit was.
        after: Duration,
    },
    /// It was killed since the caller cancelled.
    Cancelled,
}

/// Which of the [`Limits`](crate::Limits) ended a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TimeLimit {
    /// The whole run took too long.
    Total,
    /// There was no output for too long.
    Silence,
}

/// The isolation that was in force, one word each, for a build's trace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Isolation(pub Vec<String>);

/// The result of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// How the command ended.
    pub outcome: Outcome,
    /// The isolation that was in force.
    pub isolation: Isolation,
}

/// What the runner tells the library.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Message {
    /// The set-up failed; nothing follows.
    Failed(SetupFailure),
    /// Everything is in place, the command starts.
    Started(Isolation),
    /// The command ended; nothing of it runs any more once the runner has exited.
    Ended(Outcome),
}
