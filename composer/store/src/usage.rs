//! When things were last used, and what people call the actions that made them.
//!
//! The commands write both after a run, garbage collection and the size report read them.
//! Invariant: nothing here is needed for a build; what cannot be written or read is passed over.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_OMIT};
use xsc_model::{ActionId, DrvName};

use crate::fsops::{read_optional, write_atomic};
use crate::{Store, layout};

/// A use is noted again only after this time: a build that has nothing to do writes nothing.
const FRESH: Duration = Duration::from_secs(3600);

/// The file of names.
pub(crate) const NAMES: &str = "names";

impl Store {
    /// Notes that these actions' outputs are used now, for a collection that goes by use. The
    /// time is that of the realisation's record, which nothing else looks at.
    pub fn mark_used(&self, actions: impl IntoIterator<Item = ActionId>, now: SystemTime) {
        let Ok(seconds) = now.duration_since(SystemTime::UNIX_EPOCH) else {
            return;
        };
        let times = Timestamps {
            last_access: Timespec {
                tv_sec: 0,
                tv_nsec: UTIME_OMIT,
            },
            last_modification: Timespec {
                tv_sec: i64::try_from(seconds.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: seconds.subsec_nanos().into(),
            },
        };
        let stale = now.checked_sub(FRESH).unwrap_or(SystemTime::UNIX_EPOCH);
        for action in actions {
            let path = self.at(&layout::realisation(action));
            let used = std::fs::symlink_metadata(&path).and_then(|meta| meta.modified());
            if used.is_ok_and(|used| used < stale || used > now) {
                let _ = rustix::fs::utimensat(CWD, &path, &times, AtFlags::SYMLINK_NOFOLLOW);
            }
        }
    }

    /// Notes what people call these actions. Several composers may do so at once.
    pub fn name_actions<'a>(&self, named: impl IntoIterator<Item = (ActionId, &'a DrvName)>) {
        let known = self.names();
        let mut text = String::new();
        for (action, name) in named {
            if known.get(&action) != Some(name) {
                text.push_str(&format!("{action} {name}\n"));
            }
        }
        if text.is_empty() {
            return;
        }
        let file: std::io::Result<File> = OpenOptions::new()
            .append(true)
            .create(true)
            .open(self.at(NAMES));
        // One write at the end of the file, so that lines of two composers never mix.
        if let Ok(mut file) = file {
            let _ = file.write_all(text.as_bytes());
        }
    }

    /// What people call actions, as far as it was noted. Lines that are cut short are skipped.
    pub fn names(&self) -> BTreeMap<ActionId, DrvName> {
        let Ok(Some(bytes)) = read_optional(&self.at(NAMES)) else {
            return BTreeMap::new();
        };
        let text = String::from_utf8_lossy(&bytes);
        let line = |line: &str| {
            let (action, name) = line.split_once(' ')?;
            Some((action.parse().ok()?, DrvName::new(name).ok()?))
        };
        text.split_inclusive('\n')
            .filter_map(|text| line(text.strip_suffix('\n')?))
            .collect()
    }

    /// Rewrites the file of names with those that are still wanted; the caller has the store alone.
    pub(crate) fn keep_names(&self, wanted: impl Fn(&ActionId) -> bool) {
        let names = self.names();
        let text: String = names
            .iter()
            .filter(|(action, _)| wanted(action))
            .map(|(action, name)| format!("{action} {name}\n"))
            .collect();
        if let Ok(staged) = self.temporary() {
            let _ = write_atomic(&staged, &self.at(NAMES), text.as_bytes());
        }
    }
}
