//! A disk with a GUID partition table: a loader for BIOS, an EFI system partition, and a root.
//!
//! `build` calls [`write()`] for the `disk` builtin; one image boots under BIOS and UEFI. The
//! root is written first, because the boot menu on the EFI system partition may name its hash.
//! Invariant: every identifier comes from the seed or from the root's hash, and all partitions
//! are aligned to 1 MiB.

mod grub;
mod table;

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use xsc_model::{BlobId, Digest};

use crate::blobs::BlobSource;
use crate::fat::{self, FatError, FatSpec};
use crate::verity::{self, Verity};
use crate::{Entry, ImagePath, Kind, Manifest, ManifestError, MemoryBlobs, seed};
use table::{Partition, Role};

pub use grub::GrubError;

/// Why a root could not be written.
pub type RootError = Box<dyn std::error::Error + Send + Sync>;

/// Writes a root into a file from a byte on, where zeros are, and returns its size.
pub type WriteRoot<'a> = &'a dyn Fn(&File, u64) -> Result<u64, RootError>;

/// What to write.
pub struct DiskSpec<'a> {
    /// What firmware and the boot loader read: loaders, kernel, initramfs.
    pub esp: &'a Manifest,
    /// The boot menu, put into `esp`. `@ROOT_UUID@` becomes the GUID of the root's partition; with
    /// verity, `@VERITY@` the device mapper's table, and `@VERITY_UUID@` the GUID of the hashes'.
    pub menu: Option<(ImagePath, &'a str)>,
    /// How PC BIOS boots it.
    pub bios: Option<Bios<'a>>,
    /// The processor, for the types of partitions.
    pub architecture: Architecture,
    /// Writes the root.
    pub root: WriteRoot<'a>,
    /// Whether the root is only read: its partition says so, and does not grow. With `verity` it does not either way.
    pub read_only: bool,
    /// Whether a partition with the hashes of the root's blocks follows it.
    pub verity: bool,
    /// What identifiers are derived from.
    pub seed: Digest,
    /// Every time in the EFI system partition, seconds since 1970.
    pub epoch: i64,
    /// How many threads hash the root.
    pub threads: usize,
}

/// GRUB for PC BIOS.
#[derive(Debug, Clone, Copy)]
pub struct Bios<'a> {
    /// `boot.img`, the code for the master boot record.
    pub boot: &'a [u8],
    /// The core image that `grub-mkimage -O i386-pc` makes.
    pub core: &'a [u8],
}

/// A processor, for the types of the Discoverable Partitions Specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Architecture {
    /// 64-bit x86.
    X86_64,
    /// 64-bit Arm.
    Aarch64,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    /// Bytes of the disk.
    pub size: u64,
    /// The GUID of the root's partition, as text.
    pub root_uuid: String,
    /// The root's hash, where it has one.
    pub root_hash: Option<String>,
}

/// A disk that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// GRUB's images are none.
    #[error(transparent)]
    Grub(#[from] GrubError),
    /// The menu has no place in the EFI system partition.
    #[error("the boot menu cannot be put into the EFI system partition")]
    Menu {
        /// Why.
        #[source]
        source: ManifestError,
    },
    /// The menu asks for something that is not known.
    #[error("the boot menu holds `{word}`, which is known with verity only")]
    NoVerity {
        /// The word.
        word: &'static str,
    },
    /// The EFI system partition could not be written.
    #[error("cannot write the EFI system partition")]
    Esp {
        /// Why.
        #[source]
        source: FatError,
    },
    /// The root could not be written.
    #[error("cannot write the root")]
    Root {
        /// Why.
        #[source]
        source: RootError,
    },
    /// The partition table could not be made.
    #[error("cannot make the partition table")]
    Table {
        /// Why.
        #[source]
        source: gpt::GptError,
    },
    /// The disk could not be written.
    #[error("cannot write the disk")]
    Write {
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Partitions begin at multiples of this.
const UNIT: u64 = 1 << 20;
/// The least EFI system partition, so that a kernel can be added to it.
const LEAST_ESP: u64 = 32 << 20;
/// Bytes behind the last partition: the copy of the table.
const BACKUP: u64 = 33 * 512;

/// Writes a disk into the empty file `out`.
pub fn write(
    spec: &DiskSpec<'_>,
    blobs: &dyn BlobSource,
    out: &mut File,
) -> Result<Disk, DiskError> {
    let io_error = |source| DiskError::Write { source };
    let mut partitions = Vec::new();
    let mut next = UNIT;
    let mut add = |role, size: u64, guid| {
        let partition = Partition {
            role,
            start: next,
            size: size.next_multiple_of(UNIT),
            guid,
        };
        next += partition.size;
        partitions.push(partition);
        partition.start
    };
    let guid = |role| seed::uuid(&spec.seed, role);

    let bios = match &spec.bios {
        None => None,
        Some(bios) => {
            let at = add(Role::Bios, bios.core.len() as u64, guid("gpt-bios"));
            Some((at, grub::patched(bios, at / 512)?))
        }
    };

    // As large as it will be: the menu is filled up to the most that it could be.
    let mut root_uuid = guid("gpt-root");
    let blank = spec.verity.then(|| Verity::blank(&spec.seed));
    let measured = write_esp(spec, &root_uuid, blank.as_ref(), blobs, &mut io::sink())?;
    let esp_at = add(Role::Esp, measured, guid("gpt-esp"));

    let root_at = next_of(esp_at, measured);
    let root_size = (spec.root)(out, root_at).map_err(|source| DiskError::Root { source })?;
    let mut verity = None;
    if spec.verity {
        // The hashes lie behind the root's partition, whose end is not hashed.
        let hash_at = next_of(root_at, root_size);
        let made = verity::write(out, root_at, root_size, hash_at, &spec.seed, spec.threads)
            .map_err(io_error)?;
        // What the Discoverable Partitions Specification asks for: halves of the root's hash.
        root_uuid.copy_from_slice(&made.root_hash[..16]);
        let mut hash_uuid = [0; 16];
        hash_uuid.copy_from_slice(&made.root_hash[16..]);
        let (root, hashes) = (
            Role::Root(spec.architecture),
            Role::Verity(spec.architecture),
        );
        add(root, root_size, root_uuid);
        add(hashes, made.size, hash_uuid);
        verity = Some(made);
    } else if spec.read_only {
        add(Role::Root(spec.architecture), root_size, root_uuid);
    } else {
        add(Role::Growing(spec.architecture), root_size, root_uuid);
    }

    let size = (next + BACKUP).next_multiple_of(UNIT);
    out.set_len(size).map_err(io_error)?;
    out.seek(SeekFrom::Start(esp_at)).map_err(io_error)?;
    let mut buffered = io::BufWriter::with_capacity(1 << 20, &mut *out);
    let written = write_esp(spec, &root_uuid, verity.as_ref(), blobs, &mut buffered)?;
    buffered.flush().map_err(io_error)?;
    drop(buffered);
    assert_eq!(written, measured, "the menu keeps its length");
    let mut code = None;
    if let Some((at, (boot, core))) = bios {
        out.seek(SeekFrom::Start(at)).map_err(io_error)?;
        out.write_all(&core).map_err(io_error)?;
        code = Some(boot);
    }
    table::write(&partitions, size, code, &spec.seed, out)?;
    Ok(Disk {
        size,
        root_uuid: text(&root_uuid),
        root_hash: verity.map(|verity| verity.hash_text()),
    })
}

fn next_of(start: u64, size: u64) -> u64 {
    start + size.next_multiple_of(UNIT)
}

/// A GUID as text; its bytes are those of the text.
fn text(uuid: &[u8; 16]) -> String {
    uuid::Uuid::from_bytes(*uuid).to_string()
}

/// Writes the EFI system partition with the menu in it.
fn write_esp(
    spec: &DiskSpec<'_>,
    root_uuid: &[u8; 16],
    verity: Option<&Verity>,
    blobs: &dyn BlobSource,
    out: &mut dyn Write,
) -> Result<u64, DiskError> {
    let mut files = spec.esp.clone();
    let mut own = MemoryBlobs::default();
    if let Some((path, menu)) = &spec.menu {
        let words = ["@VERITY@", "@VERITY_UUID@"];
        if verity.is_none()
            && let Some(word) = words.into_iter().find(|word| menu.contains(word))
        {
            return Err(DiskError::NoVerity { word });
        }
        let longest = filled(menu, root_uuid, Some(&Verity::blank(&spec.seed))).len();
        let mut menu = filled(menu, root_uuid, verity);
        menu.extend(std::iter::repeat_n('\n', longest - menu.len()));
        let mut parents: Vec<ImagePath> =
            std::iter::successors(path.parent(), ImagePath::parent).collect();
        parents.reverse();
        let mut put = |path: ImagePath, entry| {
            (files.insert(path, entry)).map_err(|source| DiskError::Menu { source })
        };
        for parent in parents {
            if spec.esp.get(&parent).is_none() {
                put(parent, Entry::new(Kind::Directory))?;
            }
        }
        put(path.clone(), Entry::new(own.add(menu)))?;
    }
    let fat = FatSpec {
        label: "ESP",
        files: &files,
        fat32: true,
        min_size: LEAST_ESP,
        seed: spec.seed,
        epoch: spec.epoch,
    };
    fat::write(&fat, &Both(&own, blobs), out).map_err(|source| DiskError::Esp { source })
}

/// The menu with its words replaced.
fn filled(menu: &str, root_uuid: &[u8; 16], verity: Option<&Verity>) -> String {
    let data = text(root_uuid);
    let menu = menu.replace("@ROOT_UUID@", &data);
    let Some(verity) = verity else {
        return menu;
    };
    let mut hash_uuid = [0; 16];
    hash_uuid.copy_from_slice(&verity.root_hash[16..]);
    let hashes = text(&hash_uuid);
    let table = verity.table(&format!("PARTUUID={data}"), &format!("PARTUUID={hashes}"));
    menu.replace("@VERITY@", &table)
        .replace("@VERITY_UUID@", &hashes)
}

/// The menu, and the other files.
struct Both<'a>(&'a MemoryBlobs, &'a dyn BlobSource);

impl BlobSource for Both<'_> {
    fn open(&self, id: BlobId) -> io::Result<Box<dyn Read + '_>> {
        self.0.open(id).or_else(|_| self.1.open(id))
    }
}
