//! A sandbox that travels: what the runner reads and writes inside an action of a Remote Execution engine.
//! `xsc-build` makes the one and reads the other; `runner/travel.rs` is the other side. The paths of the spec are
//! relative to the action's input root, since only the engine knows where that is.
//! Both sides are the same build, as the runner's digest is part of the action.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::report::Message;
use crate::{Isolation, Outcome, Report, SandboxError, SandboxSpec};

/// What one action does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActionSpec {
    /// The sandbox; every directory in it relative to the input root.
    pub sandbox: SandboxSpec,
    /// Whether `XSC_CORES` is set to the number of processors that the worker gives.
    pub grants_cores: bool,
}

impl ActionSpec {
    /// The bytes that the runner reads.
    ///
    /// # Errors
    ///
    /// The spec can describe a sandbox nowhere.
    pub fn encode(&self) -> Result<Vec<u8>, SandboxError> {
        self.placed(Path::new("/")).validate()?;
        Ok(serde_json::to_vec(self).expect("a spec has only JSON-safe parts"))
    }

    /// The sandbox with its directories below `top`.
    pub(crate) fn placed(&self, top: &Path) -> SandboxSpec {
        let mut spec = self.sandbox.clone();
        for layer in &mut spec.root {
            *layer = top.join(&*layer);
        }
        for mount in &mut spec.mounts {
            mount.from = top.join(&mount.from);
        }
        spec.scratch = top.join(&spec.scratch);
        spec
    }
}

/// Reads what the runner left as `report` in the scratch directory.
///
/// # Errors
///
/// The runner could not set the sandbox up, or the bytes are no whole report.
pub fn read_report(bytes: &[u8]) -> Result<Report, SandboxError> {
    let mut isolation = None;
    let mut outcome = None;
    for line in bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        match serde_json::from_slice(line) {
            Ok(Message::Failed(failure)) => return Err(SandboxError::Setup(failure)),
            Ok(Message::Started(reached)) => isolation = Some(reached),
            Ok(Message::Ended(ended)) => outcome = Some(ended),
            Err(_) => break,
        }
    }
    match outcome {
        // A worker that gives up is no end of the command.
        Some(outcome @ (Outcome::Exited(_) | Outcome::Signaled(_))) => Ok(Report {
            outcome,
            isolation: isolation.unwrap_or(Isolation(Vec::new())),
        }),
        _ => Err(SandboxError::RunnerDied {
            status: "inside a remote action".to_owned(),
            message: String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_that_is_cut_short_is_no_end() {
        let whole = br#"{"Started":["user","net"]}
{"Ended":{"Exited":3}}
"#;
        let report = read_report(whole).unwrap();
        assert_eq!(report.outcome, Outcome::Exited(3));
        assert_eq!(report.isolation.0, ["user", "net"]);
        for cut in [0, 10, 30, 40] {
            let read = read_report(&whole[..cut]);
            assert!(
                matches!(read, Err(SandboxError::RunnerDied { .. })),
                "{cut}"
            );
        }
        let failed = br#"{"Failed":{"step":"enter a new user namespace","path":null,"errno":1,"hint":null}}"#;
        let text = match read_report(failed) {
            Err(SandboxError::Setup(failure)) => failure.to_string(),
            other => panic!("{other:?}"),
        };
        assert!(text.contains("user namespace"), "{text}");
        let cancelled = read_report(b"{\"Ended\":\"Cancelled\"}\n");
        assert!(cancelled.is_err(), "nobody but the composer cancels");
    }
}
