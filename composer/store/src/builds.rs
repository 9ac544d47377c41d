//! Records of past builds: what each was asked for, and the derivations that it saw.
//!
//! The command line writes one a build and reads them for `history` and `plan`. The store does not
//! look into them. Invariant: the summary of a build appears after its derivations, so whoever
//! finds a summary finds both.

use std::path::PathBuf;

use xsc_model::Digest;

use crate::error::{Context, FileError};
use crate::fsops::{list, read_optional, remove_file};
use crate::{Store, StoreError};

/// How many builds of one subject are kept.
const KEPT: usize = 50;

/// A build that was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedBuild {
    folder: PathBuf,
    name: String,
}

impl Store {
    /// Records a build of `subject`, which began `began` milliseconds after the epoch: a summary, and
    /// what it knew of derivations, which is compressed. The oldest ones beyond 50 are removed.
    pub fn add_build(
        &self,
        subject: &str,
        began: u64,
        summary: &[u8],
        derivations: &[u8],
    ) -> Result<(), StoreError> {
        let folder = self.builds_of(subject);
        std::fs::create_dir_all(&folder).context("create", &folder)?;
        // Digits of one length sort as numbers; the process tells two of the same moment apart.
        let name = format!("{began:014}-{}", std::process::id());
        let packed = zstd::encode_all(derivations, 3).context("compress", &folder)?;
        for (suffix, bytes) in [("zst", packed.as_slice()), ("json", summary)] {
            let path = folder.join(format!("{name}.{suffix}"));
            let staged = self.temporary()?;
            std::fs::write(&staged, bytes).context("write", &staged)?;
            std::fs::rename(&staged, &path).context("rename to", &path)?;
        }
        let mut names = summaries(&folder)?;
        names.truncate(names.len().saturating_sub(KEPT));
        for name in names {
            remove_file(&folder.join(format!("{name}.json")))?;
            remove_file(&folder.join(format!("{name}.zst")))?;
        }
        Ok(())
    }

    /// The builds of a subject, or of every one; the latest last.
    pub fn builds(&self, subject: Option<&str>) -> Result<Vec<RecordedBuild>, StoreError> {
        let folders = match subject {
            Some(subject) => vec![self.builds_of(subject)],
            None => {
                let all = self.at("builds");
                list(&all)?.iter().map(|name| all.join(name)).collect()
            }
        };
        let mut builds = Vec::new();
        for folder in folders {
            for name in summaries(&folder)? {
                let folder = folder.clone();
                builds.push(RecordedBuild { folder, name });
            }
        }
        builds.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(builds)
    }

    fn builds_of(&self, subject: &str) -> PathBuf {
        let digest = Digest::of(subject.as_bytes()).to_hex();
        self.at("builds").join(&digest[..32])
    }
}

impl RecordedBuild {
    /// The summary; `None` if the record was removed meanwhile.
    pub fn summary(&self) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(read_optional(&self.file("json"))?)
    }

    /// What it knew of derivations; `None` if the record was removed meanwhile.
    pub fn derivations(&self) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.file("zst");
        let Some(packed) = read_optional(&path)? else {
            return Ok(None);
        };
        Ok(Some(
            zstd::decode_all(packed.as_slice()).context("decompress", &path)?,
        ))
    }

    fn file(&self, suffix: &str) -> PathBuf {
        self.folder.join(format!("{}.{suffix}", self.name))
    }
}

/// The names of the builds in a folder, the latest last.
fn summaries(folder: &std::path::Path) -> Result<Vec<String>, FileError> {
    Ok(list(folder)?
        .iter()
        .filter_map(|name| Some(name.strip_suffix(".json")?.to_owned()))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builds_come_back_in_order_and_the_oldest_go() {
        let temp = tempfile::tempdir().unwrap();
        let store = Store::open(&temp.path().join("store")).unwrap();
        assert_eq!(store.builds(None).unwrap(), []);
        for began in (0..60).rev() {
            let text = format!("{began}");
            store
                .add_build("a", began, text.as_bytes(), b"drvs")
                .unwrap();
        }
        store.add_build("b", 99, b"b", b"more").unwrap();
        let text = |build: &RecordedBuild| {
            String::from_utf8(build.summary().unwrap().expect("it was written")).unwrap()
        };
        let of_a: Vec<String> = store.builds(Some("a")).unwrap().iter().map(text).collect();
        let expected: Vec<String> = (10..60).map(|n| n.to_string()).collect();
        assert_eq!(of_a, expected);
        let all = store.builds(None).unwrap();
        assert_eq!(all.len(), 51);
        let last = all.last().expect("there are some");
        assert_eq!(text(last), "b");
        assert_eq!(last.derivations().unwrap().as_deref(), Some(&b"more"[..]));
        assert_eq!(store.builds(Some("c")).unwrap(), []);
    }
}
