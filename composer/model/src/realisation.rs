//! A realisation: what an action produced, as the store records it.
//!
//! One small text file an action. Invariant: it is written whole, after every tree it names is
//! in the store, so its presence means that the outputs exist.

use std::collections::BTreeMap;

use crate::{ActionId, OutputName, TreeId};

/// The outputs of one action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Realisation {
    /// The action.
    pub action: ActionId,
    /// Its outputs by name.
    pub outputs: BTreeMap<OutputName, TreeId>,
    /// The parts of the isolation that the build ran in, such as `net`; empty for what ran no
    /// command.
    pub isolation: Vec<String>,
}

/// A realisation file that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the realisation is not valid")]
pub struct ParseRealisationError {
    /// Counted from one.
    pub line: usize,
}

const HEADER: &str = "xsc-realisation-1";

impl Realisation {
    /// The text form: a header with the action, a line an output, one with the isolation where
    /// there was a command, and a closing line, so that a
    /// file cut short is never taken for whole.
    pub fn to_text(&self) -> String {
        let mut text = format!("{HEADER} {}\n", self.action);
        for (name, tree) in &self.outputs {
            text.push_str(&format!("output {name} {tree}\n"));
        }
        if !self.isolation.is_empty() {
            text.push_str(&format!("isolation {}\n", self.isolation.join(" ")));
        }
        text.push_str("end\n");
        text
    }

    /// Reads the text form.
    pub fn parse(text: &str) -> Result<Self, ParseRealisationError> {
        let mut action = None;
        let mut outputs = BTreeMap::new();
        let mut isolation = Vec::new();
        let mut ended = false;
        let mut count = 0;
        for (index, line) in text.lines().enumerate() {
            count = index + 1;
            let bad = || ParseRealisationError { line: index + 1 };
            let words: Vec<&str> = line.split(' ').collect();
            match words.as_slice() {
                [HEADER, id] if index == 0 => action = Some(id.parse().map_err(|_| bad())?),
                ["output", name, tree] if action.is_some() && !ended => {
                    let name: OutputName = name.parse().map_err(|_| bad())?;
                    let tree: TreeId = tree.parse().map_err(|_| bad())?;
                    if outputs.insert(name, tree).is_some() {
                        return Err(bad());
                    }
                }
                ["isolation", parts @ ..] if action.is_some() && !ended && isolation.is_empty() => {
                    if parts.is_empty() || parts.iter().any(|part| part.is_empty()) {
                        return Err(bad());
                    }
                    isolation = parts.iter().map(|part| (*part).to_owned()).collect();
                }
                ["end"] if !ended => ended = true,
                _ => return Err(bad()),
            }
        }
        match action {
            Some(action) if ended && text.ends_with('\n') => Ok(Realisation {
                action,
                outputs,
                isolation,
            }),
            _ => Err(ParseRealisationError { line: count + 1 }),
        }
    }
}
