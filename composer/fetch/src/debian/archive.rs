//! Reads one suite of an archive: signed index first, then the lists it vouches for.
//!
//! Called by `lock`. Invariant: a list is fetched by the hash the signed index gives, so a list that changes
//! while it is read, or a mirror in the middle of an update, is noticed.

use std::io::Read;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use sha2::{Digest, Sha256};
use xsc_profile::{ArchiveRef, LockedArchive, LockedFile, Mirror, Signature};

use super::release::{Release, SignatureCheck, read_in_release};
use crate::download::Downloader;
use crate::lock::LockError;
use crate::observer::FetchObserver;

/// An `InRelease` file is some 150 kB; more than this is something else.
const IN_RELEASE_LIMIT: u64 = 16 << 20;

pub(crate) struct Reading<'a> {
    pub(crate) downloader: &'a Downloader,
    pub(crate) signature: &'a SignatureCheck,
    pub(crate) scratch: &'a Path,
    pub(crate) observer: &'a dyn FetchObserver,
    pub(crate) cancel: &'a AtomicBool,
}

pub(crate) struct Suite {
    pub(crate) locked: LockedArchive,
    release: Release,
    base: String,
    component: String,
}

impl Reading<'_> {
    pub(crate) fn suite(
        &self,
        archive: &ArchiveRef,
        mirror: Option<&Mirror>,
    ) -> Result<Suite, LockError> {
        let root = format!("mirror://{}", archive.mirror);
        let base = format!("{root}/dists/{}", archive.suite);
        let url = format!("{base}/InRelease");
        let (bytes, url) =
            self.downloader
                .read_unpinned(&[url], IN_RELEASE_LIMIT, self.observer, self.cancel)?;
        let (release, signature) = read_in_release(&url, &bytes, self.signature)?;
        if signature == Signature::Unverified {
            self.observer.warning(&format!(
                "nobody verified the signature of {url}: install gpgv and debian-archive-keyring"
            ));
        }
        let mut locations = vec![root];
        if let Some(snapshot) = mirror.and_then(|m| m.snapshot.as_deref()) {
            // A snapshot address means "the last state taken before this moment". States are taken some hours
            // apart, so the Release file's own moment would mean the state before it; a day later it is in.
            locations.push(format!("{snapshot}/{}", release.date.plus_days(1).basic()));
        }
        Ok(Suite {
            locked: LockedArchive {
                mirror: archive.mirror.clone(),
                suite: archive.suite.clone(),
                component: archive.component.clone(),
                date: release.date.extended(),
                in_release_sha256: hex::encode(Sha256::digest(&bytes)),
                signature,
                locations,
            },
            release,
            base,
            component: archive.component.clone(),
        })
    }

    /// Reads the list at `<component>/<path>`, such as `binary-amd64/Packages`.
    pub(crate) fn list(&self, suite: &Suite, path: &str) -> Result<String, LockError> {
        let path = format!("{}/{path}.xz", suite.component);
        let known = suite.release.files.get(&path);
        let (sha256, size) = known.cloned().ok_or_else(|| LockError::NoList {
            suite: suite.locked.suite.clone(),
            path: path.clone(),
        })?;
        let plain = format!("{}/{path}", suite.base);
        let mut urls = Vec::new();
        if suite.release.by_hash {
            let dir = path.rsplit_once('/').map_or("", |(dir, _)| dir);
            urls.push(format!("{}/{dir}/by-hash/SHA256/{sha256}", suite.base));
        }
        urls.push(plain);
        let name = format!("{}-{}", suite.locked.suite, path.replace('/', "-"));
        let file = LockedFile {
            name,
            sha256,
            size,
            urls,
        };
        let fetched = self
            .downloader
            .download(&file, self.scratch, self.observer, self.cancel)?;
        let read = || -> std::io::Result<String> {
            let packed = std::fs::File::open(&fetched)?;
            let mut text = Vec::new();
            liblzma::read::XzDecoder::new_multi_decoder(packed).read_to_end(&mut text)?;
            Ok(String::from_utf8_lossy(&text).into_owned())
        };
        read().map_err(|source| LockError::UnreadableList {
            path: fetched.clone(),
            source,
        })
    }
}
