//! What signers said of actions, as this machine heard it: one file an action, only added to.
//!
//! `xsc-remote` reads and writes it; the store does not know what a statement is. Invariant: what
//! was added is never removed, so that who says two things is found out later too.

use std::fs::{self, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};

use rustix::fs::FlockOperation;
use xsc_model::ActionId;

use crate::error::Context;
use crate::fsops::read_optional;
use crate::{Store, StoreError, layout, lock};

impl Store {
    /// All that was added for an action, one after the other; empty where there is nothing.
    pub fn statements(&self, action: &ActionId) -> Result<Vec<u8>, StoreError> {
        let path = self.at(&layout::statements(*action));
        Ok(read_optional(&path)?.unwrap_or_default())
    }

    /// Adds to what was said of an action. `text` is whole lines.
    pub fn add_statement(&self, action: &ActionId, text: &[u8]) -> Result<(), StoreError> {
        let path = self.at(&layout::statements(*action));
        if let Some(folder) = path.parent() {
            // A store of an older composer does not have it.
            fs::create_dir_all(folder).context("create", folder)?;
        }
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(&path)
            .context("open", &path)?;
        while !lock::try_lock(&file, &path, FlockOperation::LockExclusive)? {}
        // A writer that was killed may have left half a line; nothing is glued to it.
        let mut last = [b'\n'];
        if file.seek(SeekFrom::End(-1)).is_ok() {
            file.read_exact(&mut last).context("read", &path)?;
        }
        let mut bytes = Vec::with_capacity(text.len() + 1);
        if last != [b'\n'] {
            bytes.push(b'\n');
        }
        bytes.extend_from_slice(text);
        Ok(file.write_all(&bytes).context("write", &path)?)
    }
}
