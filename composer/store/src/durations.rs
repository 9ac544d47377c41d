//! How long derivations took, by name: for estimates, and for the order in which builds start.
//!
//! One file, `durations`, to which each build appends a line; a process reads it once. Invariant: an
//! estimate is never worth an error, so what cannot be read is unknown, and what cannot be written
//! is lost.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use xsc_model::DrvName;

use crate::fsops::{list, read_optional, remove_tree};
use crate::{Store, layout};

/// How many past durations of a name are kept.
const KEPT: usize = 8;

/// How many lines more than are kept the file may have.
const SURPLUS: usize = 4096;

/// What this process knows of them.
#[derive(Debug, Default)]
pub(crate) struct Durations(OnceLock<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    /// The latest last.
    by_name: BTreeMap<String, VecDeque<Duration>>,
    /// Opened for the first line that is written.
    file: Option<File>,
}

impl Known {
    fn push(&mut self, name: &str, duration: Duration) {
        let known = self.by_name.entry(name.to_owned()).or_default();
        known.push_back(duration);
        if known.len() > KEPT {
            known.pop_front();
        }
    }

    /// Takes in lines as the file has them; how many there are.
    fn read(&mut self, text: &str) -> usize {
        let mut count = 0;
        for line in text.lines() {
            count += 1;
            if let Some((millis, name)) = line.split_once(' ')
                && let Ok(millis) = millis.parse()
            {
                self.push(name, Duration::from_millis(millis));
            }
        }
        count
    }

    fn lines(&self) -> String {
        let each = |(name, known): (&String, &VecDeque<Duration>)| -> String {
            known.iter().map(|one| line(name, *one)).collect()
        };
        self.by_name.iter().map(each).collect()
    }
}

fn line(name: &str, duration: Duration) -> String {
    format!("{} {name}\n", duration.as_millis())
}

impl Store {
    /// How long derivations of that name took, the latest last; empty where it is not known.
    pub fn durations(&self, name: &str) -> Vec<Duration> {
        let known = self.known_durations();
        let known = known.by_name.get(name);
        known.into_iter().flatten().copied().collect()
    }

    /// How long the derivation of that name took the last time.
    pub fn last_duration(&self, name: &str) -> Option<Duration> {
        self.durations(name).last().copied()
    }

    /// The same of every name that is known.
    pub fn last_durations(&self) -> BTreeMap<String, Duration> {
        let known = self.known_durations();
        let names = known.by_name.iter();
        names
            .filter_map(|(name, known)| Some((name.clone(), *known.back()?)))
            .collect()
    }

    /// Notes how long a derivation took. A failure is of no consequence and not reported.
    pub fn record_duration(&self, name: &str, duration: Duration) {
        if DrvName::new(name).is_err() {
            return;
        }
        let mut known = self.known_durations();
        known.push(name, duration);
        if known.file.is_none() {
            let path = self.at(layout::DURATIONS);
            known.file = OpenOptions::new().append(true).create(true).open(path).ok();
        }
        if let Some(file) = &mut known.file {
            // In one piece, so that it stands between the lines of others.
            let _ = file.write_all(line(name, duration).as_bytes());
        }
    }

    fn known_durations(&self) -> MutexGuard<'_, Known> {
        let known = self
            .durations
            .0
            .get_or_init(|| Mutex::new(self.read_durations()));
        known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read_durations(&self) -> Known {
        let mut known = Known::default();
        match read_optional(&self.at(layout::DURATIONS)) {
            Ok(Some(bytes)) => {
                let lines = known.read(&String::from_utf8_lossy(&bytes));
                let kept: usize = known.by_name.values().map(VecDeque::len).sum();
                if lines > kept + SURPLUS {
                    // Another process that runs now goes on in the old file: its lines are lost.
                    self.write_durations(&known, |from, to| fs::rename(from, to));
                }
            }
            Ok(None) => known = self.import_durations(),
            Err(_) => {}
        }
        known
    }

    /// Writes what is known to a file that `name` then gives its name.
    fn write_durations(
        &self,
        known: &Known,
        name: impl FnOnce(&Path, &Path) -> io::Result<()>,
    ) -> bool {
        let Ok(staged) = self.temporary() else {
            return false;
        };
        let written = fs::write(&staged, known.lines());
        written
            .and_then(|()| name(&staged, &self.at(layout::DURATIONS)))
            .is_ok()
    }

    /// Stores of before have a file a name in `history/`, with a number a line.
    fn import_durations(&self) -> Known {
        let mut known = Known::default();
        let folder = self.at(layout::HISTORY);
        for name in list(&folder).unwrap_or_default() {
            let Ok(Some(bytes)) = read_optional(&folder.join(&name)) else {
                continue;
            };
            for millis in String::from_utf8_lossy(&bytes).lines() {
                if let Ok(millis) = millis.parse() {
                    known.push(&name, Duration::from_millis(millis));
                }
            }
        }
        // Not over the file of another process, which may have been first and removes the folder now.
        if !known.by_name.is_empty()
            && self.write_durations(&known, |from, to| fs::hard_link(from, to))
        {
            let _ = remove_tree(&folder);
        }
        known
    }
}
