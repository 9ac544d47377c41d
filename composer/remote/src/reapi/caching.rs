//! An engine as a shared cache: statements, trees and logs by the ids that we give them.
//!
//! `transfer` and the substituter use it through [`Cache`]. A tree's slot names its records and
//! every file by both digests, so a member who knows only our ids learns there what the engine
//! calls them, and the engine sees in one look whether it still has them all.
//! Invariant: nothing here decides what is true; signatures and BLAKE3 are the caller's.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use bazel_remote_apis::build::bazel::remote::execution::v2 as re;
use xsc_model::{ActionId, BlobId, Digest, TreeId};

use super::Reapi;
use super::cas::{PARALLEL, Source, describe};
use super::digest::{DigestFunction, WireDigest};
use super::slots;
use crate::cache::Received;
use crate::parallel::parallel;
use crate::{Blob, BlobKind, Cache, CacheError, PublicKey};

/// Files that one slot names: 250 bytes each, so that the message stays below a megabyte or so.
const FILES_A_SLOT: usize = 4000;

/// The records of one tree in bytes; 100 million entries are not a tree of ours.
const MOST_RECORDS: u64 = 8 << 30;

impl Reapi<'_> {
    fn function(&self) -> Result<DigestFunction, CacheError> {
        Ok(self.client.connection()?.abilities.function)
    }

    /// What the engine calls a blob, as far as this machine knows.
    fn known(&self, blob: &Blob) -> Result<Option<WireDigest>, CacheError> {
        let own = WireDigest {
            hash: blob.digest,
            size: blob.size,
        };
        match self.function()? {
            DigestFunction::Blake3 => Ok(Some(own)),
            DigestFunction::Sha256 => {
                if let Some(found) = self.index.get(&blob.digest) {
                    return Ok((found.size == blob.size).then_some(found));
                }
                if blob.kind == BlobKind::File
                    && let Ok(mut file) = self.store.open_blob(BlobId(blob.digest))
                    && let Ok(found) = super::index::hash(&mut file)
                {
                    self.index.add([(blob.digest, found)]);
                    return Ok(Some(found));
                }
                Ok(None)
            }
        }
    }

    /// As `known`; asks the engine about blobs of no tree.
    fn locate(&self, blob: &Blob) -> Result<WireDigest, CacheError> {
        let what = show(blob);
        if let Some(found) = self.known(blob)? {
            return Ok(found);
        }
        let slot = slots::blob(self.function()?, &blob.digest);
        let result = self.client.action_result(&what, slot)?;
        let file = result
            .as_ref()
            .and_then(|result| result.output_files.first());
        match file.and_then(|file| WireDigest::from_wire(file.digest.as_ref())) {
            Some(found) if found.size == blob.size => Ok(found),
            Some(_) => Err(self.client.damaged(&what, "its slot names another size")),
            None => Err(self.client.absent(&what)),
        }
    }

    fn part(&self, tree: &TreeId, part: usize) -> Result<Option<re::ActionResult>, CacheError> {
        let slot = slots::tree(self.function()?, tree, part);
        self.client
            .action_result(&format!("tree {}", tree.short()), slot)
    }

    /// Notes in a slot what a blob of no tree is called.
    fn name_blob(&self, blob: &Blob, wire: WireDigest) -> Result<(), CacheError> {
        let result = re::ActionResult {
            output_files: vec![output_file(&blob.digest, wire)],
            ..re::ActionResult::default()
        };
        let slot = slots::blob(self.function()?, &blob.digest);
        self.client.update_action_result(&show(blob), slot, result)
    }
}

impl Cache for Reapi<'_> {
    fn name(&self) -> &str {
        self.client.name()
    }

    fn statements(
        &self,
        action: &ActionId,
        keys: &[PublicKey],
    ) -> Result<Vec<Vec<u8>>, CacheError> {
        let function = self.function()?;
        let what = format!("a statement on {}", action.short());
        let mut found = Vec::new();
        for key in keys {
            let slot = slots::statement(function, action, key);
            if let Some(result) = self.client.action_result(&what, slot)? {
                found.push(result.stdout_raw);
            }
        }
        Ok(found)
    }

    fn publish(
        &self,
        action: &ActionId,
        key: &PublicKey,
        statement: &[u8],
    ) -> Result<(), CacheError> {
        let what = format!("a statement on {}", action.short());
        let slot = slots::statement(self.function()?, action, key);
        let result = re::ActionResult {
            stdout_raw: statement.to_vec(),
            ..re::ActionResult::default()
        };
        self.client.update_action_result(&what, slot, result)
    }

    fn directories(&self, tree: &TreeId) -> Result<Vec<u8>, CacheError> {
        let what = format!("tree {}", tree.short());
        let first = self
            .part(tree, 0)?
            .ok_or_else(|| self.client.absent(&what))?;
        let damaged = |problem: &str| self.client.damaged(&what, problem);
        let parts = parts_of(&first).ok_or_else(|| damaged("its slot does not say its parts"))?;
        let mut names = Vec::new();
        for part in 0..parts {
            let result = match part {
                0 => first.clone(),
                _ => self
                    .part(tree, part)?
                    .ok_or_else(|| self.client.absent(&what))?,
            };
            for file in &result.output_files {
                let wire = WireDigest::from_wire(file.digest.as_ref());
                match (file.path.parse(), wire) {
                    (Ok(blake3), Some(wire)) => names.push((blake3, wire)),
                    _ => return Err(damaged("its slot names what is no digest")),
                }
            }
        }
        let records = WireDigest::from_wire(first.stdout_digest.as_ref());
        let records = match records {
            Some(digest) => self.client.download(digest, MOST_RECORDS)?,
            None => return Err(damaged("its slot does not name the records")),
        };
        if self.function()? == DigestFunction::Sha256 {
            self.index.add(names);
        }
        Ok(records)
    }

    fn put_directories(
        &self,
        tree: &TreeId,
        records: &[u8],
        files: &[Blob],
    ) -> Result<(), CacheError> {
        let what = format!("tree {}", tree.short());
        let function = self.function()?;
        let digest = function.of(records);
        if !self.client.find_missing(&[digest])?.is_empty() {
            self.client
                .upload(&[(digest, Source::Bytes(records.to_vec()))])?;
        }
        let mut named = Vec::with_capacity(files.len());
        for blob in files {
            let wire = self
                .known(blob)?
                .ok_or_else(|| self.client.absent(&show(blob)))?;
            named.push(output_file(&blob.digest, wire));
        }
        let parts = named.len().div_ceil(FILES_A_SLOT).max(1);
        // The first part comes last: who finds it finds all.
        for part in (0..parts).rev() {
            let from = part * FILES_A_SLOT;
            let to = named.len().min(from + FILES_A_SLOT);
            let mut result = re::ActionResult {
                output_files: named[from..to].to_vec(),
                ..re::ActionResult::default()
            };
            if part == 0 {
                result.stdout_digest = Some(digest.to_wire());
                result.stderr_raw = format!("parts {parts}\n").into_bytes();
            }
            let slot = slots::tree(function, tree, part);
            self.client.update_action_result(&what, slot, result)?;
        }
        Ok(())
    }

    fn missing_trees(&self, trees: &[TreeId]) -> Result<Vec<TreeId>, CacheError> {
        let whole = parallel(PARALLEL, trees, |tree| {
            let first = self.part(tree, 0)?;
            let Some(parts) = first.and_then(|first| parts_of(&first)) else {
                return Ok(false);
            };
            let mut all = true;
            for part in 1..parts {
                all &= self.part(tree, part)?.is_some();
            }
            Ok::<_, CacheError>(all)
        })?;
        let trees = trees.iter().zip(whole);
        Ok(trees
            .filter(|(_, whole)| !whole)
            .map(|(tree, _)| *tree)
            .collect())
    }

    fn missing(&self, blobs: &[Blob]) -> Result<Vec<Blob>, CacheError> {
        let mut named = Vec::with_capacity(blobs.len());
        let mut asked = Vec::with_capacity(blobs.len());
        for blob in blobs {
            let wire = self.known(blob)?;
            asked.extend(wire);
            named.push((blob, wire));
        }
        let missing = self.client.find_missing(&asked)?;
        let is_missing =
            |wire: &Option<WireDigest>| wire.is_none_or(|wire| missing.contains(&wire));
        Ok(named
            .into_iter()
            .filter(|(_, wire)| is_missing(wire))
            .map(|(blob, _)| *blob)
            .collect())
    }

    fn get(&self, blob: &Blob, into: &mut dyn Write) -> Result<(), CacheError> {
        let wire = self.locate(blob)?;
        self.client.download_stream(wire, into)
    }

    fn put(&self, blob: &Blob, from: &mut dyn Read) -> Result<(), CacheError> {
        match self.known(blob)? {
            Some(wire) => self.client.upload_stream(wire, from)?,
            None => {
                // Its name is known only at its end; such blobs are logs, and small.
                let mut bytes = Vec::new();
                from.read_to_end(&mut bytes)
                    .map_err(|source| CacheError::Local {
                        action: format!("read {}", show(blob)),
                        source,
                    })?;
                let wire = self.function()?.of(&bytes);
                self.client.upload(&[(wire, Source::Bytes(bytes))])?;
                self.index.add([(blob.digest, wire)]);
            }
        }
        self.name_log(blob)
    }

    fn get_many(&self, blobs: &[Blob], each: &mut Received<'_>) -> Result<(), CacheError> {
        let mut wanted: BTreeMap<WireDigest, Blob> = BTreeMap::new();
        for blob in blobs {
            match self.locate(blob) {
                Ok(wire) => drop(wanted.insert(wire, *blob)),
                Err(error @ CacheError::Unavailable { .. }) => return Err(error),
                Err(error) => each(blob, Err(error))?,
            }
        }
        let digests: Vec<WireDigest> = wanted.keys().copied().collect();
        self.client.download_batch(&digests, &mut |digest, result| {
            let Some(blob) = wanted.get(digest) else {
                return Ok(());
            };
            each(blob, result)
        })
    }

    fn put_many(&self, blobs: &[(Blob, Vec<u8>)]) -> Result<(), CacheError> {
        let function = self.function()?;
        let sources: Vec<(WireDigest, Source<'_>)> = blobs
            .iter()
            .map(|(_, bytes)| (function.of(bytes), Source::Bytes(bytes.clone())))
            .collect();
        if function == DigestFunction::Sha256 {
            let names = blobs.iter().zip(&sources);
            self.index
                .add(names.map(|((blob, _), (wire, _))| (blob.digest, *wire)));
        }
        self.client.upload(&sources)?;
        for (blob, _) in blobs {
            self.name_log(blob)?;
        }
        Ok(())
    }
}

impl Reapi<'_> {
    /// Files get their names from their trees; a log has no tree.
    fn name_log(&self, blob: &Blob) -> Result<(), CacheError> {
        match (blob.kind, self.function()?) {
            (BlobKind::Log, DigestFunction::Sha256) => {
                let wire = self.known(blob)?;
                let wire = wire.ok_or_else(|| self.client.absent(&show(blob)))?;
                self.name_blob(blob, wire)
            }
            _ => Ok(()),
        }
    }
}

fn output_file(blake3: &Digest, wire: WireDigest) -> re::OutputFile {
    re::OutputFile {
        path: blake3.to_hex(),
        digest: Some(wire.to_wire()),
        ..re::OutputFile::default()
    }
}

/// How many slots a tree takes, as its first one says; bounded, since anyone may have written it.
fn parts_of(first: &re::ActionResult) -> Option<usize> {
    let text = std::str::from_utf8(&first.stderr_raw).ok()?;
    let parts: usize = text
        .strip_prefix("parts ")?
        .strip_suffix('\n')?
        .parse()
        .ok()?;
    (1..=10_000).contains(&parts).then_some(parts)
}

fn show(blob: &Blob) -> String {
    let kind = match blob.kind {
        BlobKind::File => "file",
        BlobKind::Log => "log",
    };
    let wire = WireDigest {
        hash: blob.digest,
        size: blob.size,
    };
    format!("{kind} {}", describe(&wire).trim_start_matches("blob "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_says_its_parts_or_is_damaged() {
        let slot = |text: &str| re::ActionResult {
            stderr_raw: text.as_bytes().to_vec(),
            ..re::ActionResult::default()
        };
        assert_eq!(parts_of(&slot("parts 3\n")), Some(3));
        for bad in [
            "",
            "parts 3",
            "parts 0\n",
            "parts 99999999999\n",
            "parts x\n",
        ] {
            assert_eq!(parts_of(&slot(bad)), None, "{bad:?}");
        }
    }
}
