//! The XSC note and the marks of control-flow integrity, read as the kernel reads them.
//!
//! The audit and the rewriter use it. Invariant: what `kernel/drivers/xsc/exec.c` would find in a
//! file is what is found here.

/// The version of the ABI that this composer knows, `XSC_ABI`.
pub(crate) const ABI: u32 = 1;

/// Which note a program carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoteKind {
    /// No trap instruction.
    Base,
    /// The same, and control-flow integrity is demanded: `XSC_NOTE_CFI`.
    Cfi,
}

/// The content of an XSC note.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct XscNote {
    /// The ABI version.
    pub abi: u32,
    /// The feature mask; 0 where the note has none.
    pub features: u32,
}

impl XscNote {
    /// What the note means, if it is of the version that this composer knows.
    pub fn kind(&self) -> Option<NoteKind> {
        match (self.abi, self.features) {
            (ABI, 0) => Some(NoteKind::Base),
            (ABI, 1) => Some(NoteKind::Cfi),
            _ => None,
        }
    }
}
