//! The static cache: a directory of files, read from disk or from any HTTP server.
//!
//! `push` writes it, members read it; `docs/formats/cache.md` says what is where. Invariant: a
//! file appears by one rename when it is complete and is only ever replaced by an equal one,
//! statements excepted; so several may push at once, and a push that was stopped goes on.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use xsc_model::{ActionId, Digest, TreeId};

use crate::cache::{Blob, BlobKind, Cache, CacheError, Received};
use crate::http::{HttpFiles, HttpOptions};
use crate::pack::{self, Location, PackWriter};
use crate::{PublicKey, SignedStatement, log};

/// The file that says that this is a cache, and its content.
const MARKER: &str = "xsc-cache";
const FORMAT: &str = "xsc-cache-1\n";
/// Two groups of a pack nearer to each other than this are asked for at once.
const GAP: u64 = 64 << 10;
/// No honest record of a tree is longer, decompressed.
const TREE_LIMIT: u64 = 1 << 30;

/// Where the files of a static cache are.
pub(crate) trait Files: Send + Sync {
    /// Opens a file, or `range` of it: first byte and length.
    fn open(&self, path: &str, range: Option<(u64, u64)>) -> Result<Box<dyn Read>, CacheError>;
}

/// A static cache.
pub struct StaticCache {
    name: String,
    files: Box<dyn Files>,
    places: Mutex<HashMap<Digest, Location>>,
    checked: OnceLock<()>,
    writer: Option<Writer>,
}

/// What adding to a cache in a directory needs.
struct Writer {
    root: PathBuf,
    /// Whether what is there is put again.
    again: bool,
    state: Mutex<WriterState>,
    counter: AtomicU64,
}

#[derive(Default)]
struct WriterState {
    pack: PackWriter,
    /// Where every small file is that any push packed; read when it is first needed.
    index: Option<HashMap<Digest, Location>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn sharded(folder: &str, digest: &Digest, suffix: &str) -> String {
    let hex = digest.to_hex();
    format!("{folder}/{}/{hex}{suffix}", &hex[..2])
}

fn single(blob: &Blob) -> String {
    match blob.kind {
        BlobKind::File => sharded("blobs", &blob.digest, ".zst"),
        BlobKind::Log => sharded("logs", &blob.digest, ".zst"),
    }
}

/// Whether a blob is in a pack rather than in a file of its own.
fn is_packed(blob: &Blob) -> bool {
    blob.kind == BlobKind::File && blob.size <= pack::SMALL
}

impl StaticCache {
    /// A cache in a directory, to be read.
    pub fn directory(name: &str, root: &Path) -> StaticCache {
        let files = DirFiles {
            name: name.to_owned(),
            root: root.to_owned(),
        };
        StaticCache::over(name, Box::new(files))
    }

    /// A cache in a directory, to be read and added to; it is made where there is none. With
    /// `again` it takes everything as if it had nothing: so what was damaged or lost is mended.
    pub fn writable(name: &str, root: &Path, again: bool) -> Result<StaticCache, CacheError> {
        let cache = StaticCache {
            writer: Some(Writer {
                root: root.to_owned(),
                again,
                state: Mutex::default(),
                counter: AtomicU64::new(0),
            }),
            ..StaticCache::directory(name, root)
        };
        cache.make()?;
        Ok(cache)
    }

    /// A cache on an HTTP server, to be read.
    pub fn http(name: &str, url: &str, options: &HttpOptions) -> Result<StaticCache, CacheError> {
        let files = HttpFiles::new(name, url, options)?;
        Ok(StaticCache::over(name, Box::new(files)))
    }

    fn over(name: &str, files: Box<dyn Files>) -> StaticCache {
        StaticCache {
            name: name.to_owned(),
            files,
            places: Mutex::default(),
            checked: OnceLock::new(),
            writer: None,
        }
    }

    fn make(&self) -> Result<(), CacheError> {
        let writer = self.writer()?;
        let refuse = |problem: String| CacheError::Refused {
            cache: self.name.clone(),
            what: "to be written to".to_owned(),
            problem,
        };
        let failed = |error: io::Error| refuse(error.to_string());
        fs::create_dir_all(&writer.root).map_err(failed)?;
        let marker = writer.root.join(MARKER);
        if !marker.try_exists().map_err(failed)? {
            let mut entries = fs::read_dir(&writer.root).map_err(failed)?;
            if let Some(entry) = entries.next() {
                let entry = entry.map_err(failed)?.file_name();
                // Another push may be at the same point.
                if entry != "tmp" && entry != MARKER {
                    let entry = entry.to_string_lossy().into_owned();
                    return Err(refuse(format!("it is no cache and holds `{entry}`")));
                }
            }
            self.write(MARKER, |file| file.write_all(FORMAT.as_bytes()))?;
        }
        self.check()
    }

    /// Looks once whether there is a cache at all, of a format that is known.
    fn check(&self) -> Result<(), CacheError> {
        if self.checked.get().is_some() {
            return Ok(());
        }
        let unusable = |problem: String| CacheError::Unavailable {
            cache: self.name.clone(),
            problem,
        };
        match self.read(MARKER, 1 << 10) {
            Ok(text) if text == FORMAT.as_bytes() => {
                let _ = self.checked.set(());
                Ok(())
            }
            Ok(text) => Err(unusable(format!(
                "its format is `{}`, and this composer knows `{}`",
                String::from_utf8_lossy(&text).trim().escape_debug(),
                FORMAT.trim()
            ))),
            Err(CacheError::Absent { .. }) => Err(unusable(format!(
                "there is no cache: it has no file `{MARKER}`"
            ))),
            Err(error) => Err(error),
        }
    }

    fn writer(&self) -> Result<&Writer, CacheError> {
        self.writer.as_ref().ok_or_else(|| CacheError::Refused {
            cache: self.name.clone(),
            what: "to be written to".to_owned(),
            problem: "it was opened for reading; `push file://DIR` writes to a directory"
                .to_owned(),
        })
    }

    /// A whole small file.
    fn read(&self, path: &str, limit: u64) -> Result<Vec<u8>, CacheError> {
        let mut bytes = Vec::new();
        let reader = self.files.open(path, None)?;
        match reader.take(limit + 1).read_to_end(&mut bytes) {
            Ok(_) if bytes.len() as u64 > limit => Err(self.damaged(path, "it is too long")),
            Ok(_) => Ok(bytes),
            Err(error) => Err(self.unavailable(path, &error)),
        }
    }

    fn damaged(&self, what: &str, problem: impl Into<String>) -> CacheError {
        CacheError::Damaged {
            cache: self.name.clone(),
            what: what.to_owned(),
            problem: problem.into(),
        }
    }

    fn absent(&self, what: &str) -> CacheError {
        CacheError::Absent {
            cache: self.name.clone(),
            what: what.to_owned(),
        }
    }

    fn unavailable(&self, path: &str, error: &io::Error) -> CacheError {
        CacheError::Unavailable {
            cache: self.name.clone(),
            problem: format!("{path}: {error}"),
        }
    }

    /// Decompresses what `reader` gives into `into`, at most `limit` bytes.
    fn decompress(
        &self,
        path: &str,
        reader: Box<dyn Read>,
        limit: u64,
        into: &mut dyn Write,
    ) -> Result<(), CacheError> {
        let broken = Mutex::new(None);
        let watched = Watched {
            inner: reader,
            broken: &broken,
        };
        let failed = |error: io::Error| match lock(&broken).take() {
            // The connection, not the content.
            Some(error) => self.unavailable(path, &error),
            None => self.damaged(path, error.to_string()),
        };
        let mut decoder = zstd::Decoder::new(watched).map_err(&failed)?;
        let mut buffer = vec![0; 128 << 10];
        let mut left = limit;
        loop {
            let count = match decoder.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(failed(error)),
            };
            left = match left.checked_sub(count as u64) {
                Some(left) => left,
                None => return Err(self.damaged(path, "it is longer than it should be")),
            };
            into.write_all(&buffer[..count])
                .map_err(|source| CacheError::Local {
                    action: format!("keep what {} gives", self.name),
                    source,
                })?;
        }
    }

    /// The blobs of one run of groups of a pack.
    fn get_run(
        &self,
        pack: &Digest,
        run: &[(Location, Blob)],
        each: &mut Received<'_>,
    ) -> Result<(), CacheError> {
        let path = sharded("packs", pack, ".pack");
        let start = run[0].0.frame;
        let end = run.iter().map(|(place, _)| place.frame + place.length);
        let length = end.max().unwrap_or(start) - start;
        let mut bytes = Vec::new();
        let got = self.files.open(&path, Some((start, length)));
        let got = got.and_then(|reader| {
            reader
                .take(length)
                .read_to_end(&mut bytes)
                .map_err(|error| self.unavailable(&path, &error))
        });
        if let Err(error) = got {
            return self.for_all(run, error, each);
        }
        let mut open: Option<(u64, Result<Vec<u8>, String>)> = None;
        for (place, blob) in run {
            if open.as_ref().is_none_or(|(frame, _)| *frame != place.frame) {
                let from = (place.frame - start) as usize;
                let group = match bytes.get(from..from + place.length as usize) {
                    None => Err("it is cut short".to_owned()),
                    Some(frame) => zstd::bulk::decompress(frame, pack::FRAME_LIMIT as usize)
                        .map_err(|error| error.to_string()),
                };
                open = Some((place.frame, group));
            }
            let found = match &open {
                Some((_, Ok(group))) => {
                    let end = place.at.saturating_add(blob.size);
                    group
                        .get(place.at as usize..end as usize)
                        .map(<[u8]>::to_vec)
                        .ok_or_else(|| self.damaged(&path, "a file lies beyond its group"))
                }
                Some((_, Err(problem))) => Err(self.damaged(&path, problem.clone())),
                None => Err(self.absent(&path)),
            };
            each(blob, found)?;
        }
        Ok(())
    }

    /// Tells of each blob why there is none; an endpoint that is gone ends everything.
    fn for_all(
        &self,
        run: &[(Location, Blob)],
        error: CacheError,
        each: &mut Received<'_>,
    ) -> Result<(), CacheError> {
        let text = match &error {
            CacheError::Unavailable { .. } => return Err(error),
            CacheError::Absent { what, .. } => format!("its pack {what} is not there"),
            error => error.to_string(),
        };
        for (_, blob) in run {
            let what = format!("object {}", blob.digest.short());
            each(blob, Err(self.damaged(&what, text.clone())))?;
        }
        Ok(())
    }

    /// Writes a file of the cache whole and renames it into its place.
    fn write(
        &self,
        path: &str,
        fill: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> Result<(), CacheError> {
        let writer = self.writer()?;
        let to = writer.root.join(path);
        let number = writer.counter.fetch_add(1, Ordering::Relaxed);
        let temporary = writer
            .root
            .join(format!("tmp/{}-{number}", std::process::id()));
        let result = (|| {
            for place in [&to, &temporary] {
                if let Some(folder) = place.parent() {
                    fs::create_dir_all(folder)?;
                }
            }
            let mut file = File::create(&temporary)?;
            fill(&mut file)?;
            fs::rename(&temporary, &to)
        })();
        result.map_err(|error: io::Error| {
            let _ = fs::remove_file(&temporary);
            CacheError::Refused {
                cache: self.name.clone(),
                what: format!("the file {path}"),
                problem: error.to_string(),
            }
        })
    }

    /// Puts a blob into a file of its own.
    fn put_single(&self, blob: &Blob, from: &mut dyn Read) -> Result<(), CacheError> {
        let path = single(blob);
        let mut hasher = blake3::Hasher::new();
        let mut trouble = None;
        self.write(&path, |file| {
            let mut encoder = zstd::Encoder::new(file, pack::LEVEL)?;
            let mut buffer = vec![0; 128 << 10];
            loop {
                match from.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(count) => {
                        hasher.update(&buffer[..count]);
                        encoder.write_all(&buffer[..count])?;
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => {
                        trouble = Some(error.to_string());
                        return Err(error);
                    }
                }
            }
            let found = Digest::from_bytes(*hasher.finalize().as_bytes());
            if found != blob.digest {
                trouble = Some(format!("its bytes are those of {}", found.short()));
                return Err(io::ErrorKind::InvalidData.into());
            }
            encoder.finish().map(|_| ())
        })
        .map_err(|error| match trouble {
            Some(problem) => own_damage(blob, problem),
            None => error,
        })
    }

    /// Closes the pack that is being filled.
    fn finish_pack(&self, state: &mut WriterState) -> Result<(), CacheError> {
        let finished = state.pack.finish().map_err(|source| CacheError::Local {
            action: "compress a pack".to_owned(),
            source,
        })?;
        let Some(pack) = finished else { return Ok(()) };
        self.write(&sharded("packs", &pack.id, ".pack"), |file| {
            file.write_all(&pack.bytes)
        })?;
        let index = pack::encode_index(&pack.places);
        self.write(&sharded("packs", &pack.id, ".index"), |file| {
            file.write_all(&index)
        })?;
        self.index(state)?.extend(pack.places);
        Ok(())
    }

    fn index<'s>(
        &self,
        state: &'s mut WriterState,
    ) -> Result<&'s mut HashMap<Digest, Location>, CacheError> {
        if state.index.is_none() {
            let writer = self.writer()?;
            let packs = writer.root.join("packs");
            let mut index = HashMap::new();
            let shards = fs::read_dir(&packs).into_iter().flatten().flatten();
            for shard in shards.filter(|_| !writer.again) {
                for entry in fs::read_dir(shard.path()).into_iter().flatten().flatten() {
                    let path = entry.path();
                    let is_index = path.extension().is_some_and(|e| e == "index");
                    // One that cannot be read makes its files be packed again.
                    if is_index
                        && path.with_extension("pack").exists()
                        && let Ok(bytes) = fs::read(&path)
                    {
                        index.extend(pack::decode_index(&bytes).unwrap_or_default());
                    }
                }
            }
            state.index = Some(index);
        }
        Ok(state.index.as_mut().expect("it was just filled"))
    }
}

fn own_damage(blob: &Blob, problem: String) -> CacheError {
    CacheError::Local {
        action: format!("read object {} of this store", blob.digest),
        source: io::Error::new(io::ErrorKind::InvalidData, problem),
    }
}

impl Cache for StaticCache {
    fn name(&self) -> &str {
        &self.name
    }

    fn statements(
        &self,
        action: &ActionId,
        _keys: &[PublicKey],
    ) -> Result<Vec<Vec<u8>>, CacheError> {
        self.check()?;
        let path = sharded("statements", action.digest(), "");
        match self.read(&path, 1 << 20) {
            Ok(bytes) => Ok(log::split(&bytes).map(<[u8]>::to_vec).collect()),
            Err(CacheError::Absent { .. }) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    fn publish(
        &self,
        action: &ActionId,
        key: &PublicKey,
        statement: &[u8],
    ) -> Result<(), CacheError> {
        let root = &self.writer()?.root;
        // One at a time: each rewrites what the others said.
        let held = OpenOptions::new()
            .create(true)
            .append(true)
            .open(root.join("lock"))
            .and_then(|file| file.lock().map(|()| file));
        let _held = held.map_err(|error| CacheError::Refused {
            cache: self.name.clone(),
            what: "the file lock".to_owned(),
            problem: error.to_string(),
        })?;
        let before = self.statements(action, &[])?;
        if before.iter().any(|known| known == statement) {
            return Ok(());
        }
        let mut bytes = Vec::new();
        for known in before {
            let of_key = SignedStatement::parse(&known).map(|s| s.key() == key.name());
            if of_key == Ok(false) {
                bytes.extend(known);
            }
        }
        bytes.extend_from_slice(statement);
        self.write(&sharded("statements", action.digest(), ""), |file| {
            file.write_all(&bytes)
        })
    }

    fn directories(&self, tree: &TreeId) -> Result<Vec<u8>, CacheError> {
        self.check()?;
        let path = sharded("trees", tree.digest(), ".zst");
        let mut bytes = Vec::new();
        let reader = self.files.open(&path, None)?;
        self.decompress(&path, reader, TREE_LIMIT, &mut bytes)?;
        let (records, places) =
            pack::decode_tree(&bytes).map_err(|error| self.damaged(&path, error.to_string()))?;
        lock(&self.places).extend(places);
        Ok(records)
    }

    fn put_directories(
        &self,
        tree: &TreeId,
        records: &[u8],
        files: &[Blob],
    ) -> Result<(), CacheError> {
        let mut places = Vec::new();
        {
            let mut state = lock(&self.writer()?.state);
            self.finish_pack(&mut state)?;
            let index = self.index(&mut state)?;
            for blob in files.iter().filter(|blob| is_packed(blob)) {
                match index.get(&blob.digest) {
                    Some(place) => places.push((blob.digest, *place)),
                    None => return Err(self.absent(&format!("object {}", blob.digest))),
                }
            }
        }
        let bytes = pack::encode_tree(records, &places);
        self.write(&sharded("trees", tree.digest(), ".zst"), |file| {
            let mut encoder = zstd::Encoder::new(file, pack::LEVEL)?;
            encoder.write_all(&bytes)?;
            encoder.finish().map(|_| ())
        })
    }

    fn missing_trees(&self, trees: &[TreeId]) -> Result<Vec<TreeId>, CacheError> {
        let writer = self.writer()?;
        let is_missing = |tree: &&TreeId| {
            let path = sharded("trees", tree.digest(), ".zst");
            writer.again || !writer.root.join(path).exists()
        };
        Ok(trees.iter().filter(is_missing).copied().collect())
    }

    fn missing(&self, blobs: &[Blob]) -> Result<Vec<Blob>, CacheError> {
        let writer = self.writer()?;
        let mut state = lock(&writer.state);
        let index = self.index(&mut state)?;
        let is_missing = |blob: &&Blob| match is_packed(blob) {
            true => !index.contains_key(&blob.digest),
            false => writer.again || !writer.root.join(single(blob)).exists(),
        };
        Ok(blobs.iter().filter(is_missing).copied().collect())
    }

    /// One flush for all: one a file would take most of the time of a push. What a machine that
    /// went down lost before it is found out by its digest, and sent again with `again`.
    fn finish(&self) -> Result<(), CacheError> {
        let root = &self.writer()?.root;
        let flushed = File::open(root).and_then(|top| Ok(rustix::fs::syncfs(&top)?));
        flushed.map_err(|error| self.unavailable("the flush", &error))
    }

    fn get(&self, blob: &Blob, into: &mut dyn Write) -> Result<(), CacheError> {
        if !is_packed(blob) {
            let path = single(blob);
            let reader = self.files.open(&path, None)?;
            return self.decompress(&path, reader, blob.size, into);
        }
        let mut found = None;
        self.get_many(&[*blob], &mut |_, bytes| {
            found = Some(bytes?);
            Ok(())
        })?;
        let bytes = found.ok_or_else(|| self.absent(&format!("object {}", blob.digest)))?;
        into.write_all(&bytes).map_err(|source| CacheError::Local {
            action: format!("keep what {} gives", self.name),
            source,
        })
    }

    fn put(&self, blob: &Blob, from: &mut dyn Read) -> Result<(), CacheError> {
        if !is_packed(blob) {
            return self.put_single(blob, from);
        }
        let mut bytes = Vec::with_capacity(blob.size as usize);
        from.read_to_end(&mut bytes)
            .map_err(|error| own_damage(blob, error.to_string()))?;
        self.put_many(&[(*blob, bytes)])
    }

    fn get_many(&self, blobs: &[Blob], each: &mut Received<'_>) -> Result<(), CacheError> {
        let mut packs: BTreeMap<Digest, Vec<(Location, Blob)>> = BTreeMap::new();
        let mut rest = Vec::new();
        {
            let places = lock(&self.places);
            for blob in blobs {
                match places.get(&blob.digest).filter(|_| is_packed(blob)) {
                    Some(place) => packs.entry(place.pack).or_default().push((*place, *blob)),
                    None => rest.push(*blob),
                }
            }
        }
        for (pack, mut wanted) in packs {
            wanted.sort();
            let mut from = 0;
            for next in 1..=wanted.len() {
                let ends = wanted.get(next).is_none_or(|(place, _)| {
                    let (last, _) = wanted[next - 1];
                    place.frame > last.frame + last.length + GAP
                });
                if ends {
                    self.get_run(&pack, &wanted[from..next], each)?;
                    from = next;
                }
            }
        }
        for blob in rest {
            if is_packed(&blob) {
                each(&blob, Err(self.absent(&format!("object {}", blob.digest))))?;
                continue;
            }
            let mut bytes = Vec::new();
            match self.get(&blob, &mut bytes) {
                Ok(()) => each(&blob, Ok(bytes))?,
                Err(error @ CacheError::Unavailable { .. }) => return Err(error),
                Err(error) => each(&blob, Err(error))?,
            }
        }
        Ok(())
    }

    fn put_many(&self, blobs: &[(Blob, Vec<u8>)]) -> Result<(), CacheError> {
        for (blob, bytes) in blobs {
            if !is_packed(blob) {
                self.put_single(blob, &mut bytes.as_slice())?;
                continue;
            }
            let found = Digest::of(bytes);
            if found != blob.digest {
                let problem = format!("its bytes are those of {}", found.short());
                return Err(own_damage(blob, problem));
            }
            let mut state = lock(&self.writer()?.state);
            if state.pack.has(&blob.digest) || self.index(&mut state)?.contains_key(&blob.digest) {
                continue;
            }
            let full = state
                .pack
                .add(blob.digest, bytes)
                .map_err(|source| CacheError::Local {
                    action: "compress a pack".to_owned(),
                    source,
                })?;
            if full {
                self.finish_pack(&mut state)?;
            }
        }
        Ok(())
    }
}

/// Keeps the error of a reader, which a decoder would pass on as one of its own.
struct Watched<'a> {
    inner: Box<dyn Read>,
    broken: &'a Mutex<Option<io::Error>>,
}

impl Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer).map_err(|error| {
            let kind = error.kind();
            if kind != io::ErrorKind::Interrupted {
                *lock(self.broken) = Some(error);
            }
            kind.into()
        })
    }
}

/// The files of a cache in a directory.
struct DirFiles {
    name: String,
    root: PathBuf,
}

impl Files for DirFiles {
    fn open(&self, path: &str, range: Option<(u64, u64)>) -> Result<Box<dyn Read>, CacheError> {
        let opened = File::open(self.root.join(path)).and_then(|mut file| match range {
            None => Ok(Box::new(file) as Box<dyn Read>),
            Some((from, length)) => {
                file.seek(SeekFrom::Start(from))?;
                Ok(Box::new(file.take(length)) as Box<dyn Read>)
            }
        });
        opened.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => CacheError::Absent {
                cache: self.name.clone(),
                what: path.to_owned(),
            },
            _ => CacheError::Unavailable {
                cache: self.name.clone(),
                problem: format!("{path}: {error}"),
            },
        })
    }
}
