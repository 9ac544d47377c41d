//! The content-addressed store: objects, trees, realisations, roots and garbage collection.
//!
//! The scheduler, the builtins and the commands use it; `docs/formats/store.md` describes what is
//! on disk. Invariants: a name in the store appears only after everything it refers to, so a kill
//! at any point leaves a store that the next run uses, and after a power loss it is checked before
//! anyone uses it; and a file that is in the store is never
//! written again, because trees share files with objects through hard links.

mod builder;
mod builds;
mod dirty;
mod durations;
mod error;
mod fsops;
mod gc;
mod ingest;
mod keep;
mod laid_out;
mod layout;
mod lock;
mod materialise;
mod objects;
mod put;
mod record;
mod roots;
mod said;
mod scan;
mod scratch;
mod size;
mod store;
mod trees;
mod usage;
mod verify;
mod walk;

pub use builder::{BuilderError, FileSink, TreeBuilder};
pub use builds::RecordedBuild;
pub use error::{FileError, GcError, IngestError, OpenError, RootError, StoreError, VerifyError};
pub use gc::{GcOptions, GcReport};
pub use ingest::IngestOptions;
pub use lock::{ActionLock, Session};
pub use put::{BlobSink, ImportError, PackedTree, TreeImport};
pub use record::{LogReader, LogWriter};
pub use roots::Root;
pub use scan::{FoundIn, Needle};
pub use scratch::ScratchDir;
pub use size::{Owner, SizeReport};
pub use store::{FORMAT, Store, Warning};
pub use verify::{Affected, Damage, VerifyReport};
