//! What happens during a build as lines of JSON, for programs: `--log-format json`.
//!
//! `Ui` passes every event on. The lines are described by docs/formats/events.md and its schema. Invariant: a line
//! is one object with `version`, `event` and `time_ms`, written whole.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use xsc_build::{Ended, Event};

use crate::commands::word;
use crate::error::CommandError;

/// Where lines of JSON go.
pub(crate) struct EventLog {
    /// Gone once a write failed: whoever read is not there any more.
    to: Mutex<Option<File>>,
}

impl EventLog {
    /// To an open descriptor of this process.
    pub(crate) fn open(descriptor: u32) -> Result<Self, CommandError> {
        // By its name, which needs no unsafe code. Appending, so that a file has all writers' lines.
        let path = format!("/proc/self/fd/{descriptor}");
        const O_CLOEXEC: i32 = 0o2000000;
        let file = OpenOptions::new()
            .append(true)
            .custom_flags(O_CLOEXEC)
            .open(&path)
            .map_err(|error| {
                CommandError::usage(format!("cannot write events to descriptor {descriptor}: {error}"))
                    .hint("open it before, as in `xsc-compose --log-format json --log-fd 3 … 3>events.json`")
            })?;
        Ok(EventLog {
            to: Mutex::new(Some(file)),
        })
    }

    /// Writes one event.
    pub(crate) fn write(&self, mut event: Value) {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        event["version"] = json!(1);
        event["time_ms"] = json!(millis(now.unwrap_or_default()));
        let line = format!("{event}\n");
        let mut to = self.to.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = &mut *to
            && file.write_all(line.as_bytes()).is_err()
        {
            *to = None;
        }
    }
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// An event of the build crate as JSON; none for a log's bytes, which `Ui` passes on by lines.
pub(crate) fn of_build(event: &Event<'_>) -> Option<Value> {
    Some(match event {
        Event::Planned {
            total,
            substitutes,
            fetches,
            builds,
            bytes,
            estimate,
        } => json!({
            "event": "planned",
            "derivations": total,
            "substitutes": substitutes,
            "fetches": fetches,
            "builds": builds,
            "bytes": bytes,
            "estimate_ms": estimate.map(millis),
        }),
        Event::Started {
            drv,
            name,
            work,
            expected,
        } => json!({
            "event": "started",
            "derivation": drv.to_string(),
            "name": name,
            "work": word(*work),
            "expected_ms": expected.map(millis),
        }),
        Event::Log { .. } => return None,
        Event::Progress { drv, done, total } => json!({
            "event": "progress",
            "derivation": drv.to_string(),
            "done": done,
            "total": total,
        }),
        Event::Notice { text } => json!({ "event": "notice", "text": text }),
        Event::Finished {
            drv,
            name,
            work,
            action,
            ended,
            took,
        } => json!({
            "event": "finished",
            "derivation": drv.to_string(),
            "name": name,
            "work": word(*work),
            "action": action.to_string(),
            "ended": match ended {
                Ended::Done => "done",
                Ended::Cutoff => "unchanged",
                Ended::Substituted => "substituted",
                Ended::Refused => "refused",
                Ended::Failed => "failed",
            },
            "took_ms": millis(*took),
        }),
    })
}

/// A line, or a phase, of a derivation's output.
pub(crate) fn of_output(event: &str, drv: &str, name: &str, key: &str, text: &str) -> Value {
    json!({ "event": event, "derivation": drv, "name": name, key: text })
}
