//! What an audit says: findings with rule, level and place.
//!
//! Invariant: a finding's rule decides its meaning for programs; its message is for people and
//! holds no path, so the same bytes give the same report wherever they lie.

use std::fmt;

use crate::notes::{NoteKind, XscNote};

/// What a file is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FileKind {
    /// No ELF file.
    #[default]
    Other,
    /// A program with an interpreter.
    Program,
    /// A program without interpreter: static.
    StaticProgram,
    /// A shared library, or the dynamic loader.
    Library,
    /// An object file to be linked.
    Object,
    /// An object that runs in the kernel; not audited.
    KernelModule,
    /// A kernel, which is linked to addresses that no program has; not audited.
    Kernel,
    /// Anything else in ELF: a core dump, firmware for another processor.
    Foreign,
}

impl FileKind {
    /// The word for it in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            FileKind::Other => "other",
            FileKind::Program => "program",
            FileKind::StaticProgram => "static-program",
            FileKind::Library => "library",
            FileKind::Object => "object",
            FileKind::KernelModule => "kernel-module",
            FileKind::Kernel => "kernel",
            FileKind::Foreign => "foreign",
        }
    }
}

/// The machines of an XSC system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Machine {
    /// AMD64.
    X86_64,
    /// ARM64.
    Aarch64,
}

impl Machine {
    /// The word for it in triplets.
    pub fn as_str(self) -> &'static str {
        match self {
            Machine::X86_64 => "x86_64",
            Machine::Aarch64 => "aarch64",
        }
    }
}

/// What files must carry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Require {
    /// Nothing: traps and dangerous layouts are found, notes are not asked for.
    Nothing,
    /// The note.
    #[default]
    Base,
    /// The note with `XSC_NOTE_CFI`, and the machine's marks.
    Cfi,
}

/// What an audit asks for.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The variant.
    pub require: Require,
    /// The machine, where it is known; a file for the other one is then a finding.
    pub machine: Option<Machine>,
    /// Trap instructions are reported as notes: a loader for ordinary kernels has them.
    pub allow_traps: bool,
}

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Worth knowing.
    Note,
    /// Worth a look; fails nothing.
    Warning,
    /// The audit fails.
    Error,
}

impl Level {
    /// The word for it, which is SARIF's too.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Note => "note",
            Level::Warning => "warning",
            Level::Error => "error",
        }
    }
}

/// What is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// An instruction that enters the kernel.
    TrapInstruction,
    /// The bytes of such an instruction in what is taken for data between functions.
    TrapInData,
    /// The bytes of such an instruction inside or across other instructions.
    TrapPattern,
    /// No XSC note.
    NoNote,
    /// A note of a version or with features that the kernel refuses.
    NoteVersion,
    /// No `XSC_NOTE_CFI`.
    NoCfiNote,
    /// The machine's property for control-flow integrity is missing.
    NoCfiMarks,
    /// A static program without a note: it can't be rebased.
    StaticProgram,
    /// Another interpreter than the machine's.
    Interpreter,
    /// Relocations that write to code.
    TextRelocations,
    /// A segment that is writable and executable.
    WritableCode,
    /// The stack is executable.
    ExecutableStack,
    /// The file is for another machine.
    WrongMachine,
    /// The file is damaged.
    Malformed,
}

impl Rule {
    /// All rules, in the order of reports.
    pub const ALL: [Rule; 14] = [
        Rule::TrapInstruction,
        Rule::TrapInData,
        Rule::TrapPattern,
        Rule::NoNote,
        Rule::NoteVersion,
        Rule::NoCfiNote,
        Rule::NoCfiMarks,
        Rule::StaticProgram,
        Rule::Interpreter,
        Rule::TextRelocations,
        Rule::WritableCode,
        Rule::ExecutableStack,
        Rule::WrongMachine,
        Rule::Malformed,
    ];

    /// The name in reports; it never changes.
    pub fn id(self) -> &'static str {
        match self {
            Rule::TrapInstruction => "trap-instruction",
            Rule::TrapInData => "trap-in-data",
            Rule::TrapPattern => "trap-pattern",
            Rule::NoNote => "no-note",
            Rule::NoteVersion => "note-version",
            Rule::NoCfiNote => "no-cfi-note",
            Rule::NoCfiMarks => "no-cfi-marks",
            Rule::StaticProgram => "static-program",
            Rule::Interpreter => "interpreter",
            Rule::TextRelocations => "text-relocations",
            Rule::WritableCode => "writable-code",
            Rule::ExecutableStack => "executable-stack",
            Rule::WrongMachine => "wrong-machine",
            Rule::Malformed => "malformed",
        }
    }

    /// What it means, in one sentence.
    pub fn description(self) -> &'static str {
        match self {
            Rule::TrapInstruction => "An instruction that enters the kernel by a trap.",
            Rule::TrapInData => {
                "The bytes of a trap instruction in what decodes like data between functions."
            }
            Rule::TrapPattern => {
                "The bytes of a trap instruction inside or across other instructions."
            }
            Rule::NoNote => "The file has no note .note.XSC-ABI.",
            Rule::NoteVersion => "The XSC note has a version or features that the kernel refuses.",
            Rule::NoCfiNote => "The XSC note lacks the feature XSC_NOTE_CFI.",
            Rule::NoCfiMarks => {
                "The GNU property of the machine for control-flow integrity is missing."
            }
            Rule::StaticProgram => "A static program without the note: it holds a libc of its own.",
            Rule::Interpreter => "The program names another interpreter than the machine's.",
            Rule::TextRelocations => "The dynamic loader would have to write to code.",
            Rule::WritableCode => "A segment is writable and executable.",
            Rule::ExecutableStack => "The file asks for an executable stack.",
            Rule::WrongMachine => "The file is for another machine than the system's.",
            Rule::Malformed => "The file is damaged, so that nothing can be said of the rest.",
        }
    }

    /// What to do about it.
    pub fn fix(self) -> &'static str {
        match self {
            Rule::TrapInstruction => {
                "build the package from source with the XSC toolchain, whose libc enters by the gate"
            }
            Rule::TrapInData | Rule::TrapPattern => {
                "nothing, unless somebody can jump there: the kernel's guard ends the program then"
            }
            Rule::NoNote => "rebase the package, or link it with the XSC toolchain",
            Rule::NoteVersion => "link it again with the toolchain of this system",
            Rule::NoCfiNote => "link it with -z xsc-abi=cfi, from objects of the cfi variant",
            Rule::NoCfiMarks => {
                "compile everything in it with -fcf-protection=full or -mbranch-protection=standard"
            }
            Rule::StaticProgram => {
                "build it from source: only libc can be replaced under a program"
            }
            Rule::Interpreter => "link it for the standard path of the dynamic loader",
            Rule::TextRelocations => "compile all of it with -fPIC",
            Rule::WritableCode => "link it without -N or --omagic, and with -z separate-code",
            Rule::ExecutableStack => {
                "add a .note.GNU-stack section to its assembly files, or link with -z noexecstack"
            }
            Rule::WrongMachine => "take the package of the system's machine",
            Rule::Malformed => "get the file anew",
        }
    }
}

/// Where something is in a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// Offset in the file.
    pub offset: u64,
    /// Address as the file is linked.
    pub address: u64,
    /// The closest symbol at or before it, and the distance.
    pub symbol: Option<(String, u64)>,
    /// The bytes there.
    pub bytes: Vec<u8>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.symbol {
            Some((name, 0)) => write!(f, "{name}")?,
            Some((name, distance)) => write!(f, "{name}+{distance:#x}")?,
            None => write!(f, "address {:#x}", self.address)?,
        }
        write!(f, " (offset {:#x})", self.offset)
    }
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which rule it breaks.
    pub rule: Rule,
    /// How grave it is here.
    pub level: Level,
    /// What is wrong: lower case, no full stop, no path.
    pub message: String,
    /// Where, if it is at a place.
    pub place: Option<Place>,
    /// How many alike it stands for, itself included.
    pub count: usize,
}

/// What is known of one file after its audit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// What it is.
    pub kind: FileKind,
    /// Its machine, if it is one of ours.
    pub machine: Option<Machine>,
    /// Its interpreter.
    pub interpreter: Option<String>,
    /// The XSC note, as the kernel would read it.
    pub note: Option<XscNote>,
    /// Whether it has the machine's marks: IBT and SHSTK, or BTI and PAC.
    pub cfi_marks: bool,
    /// Executable bytes that were looked at.
    pub code_bytes: u64,
    /// Everything found, gravest first.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether the file passes.
    pub fn passes(&self) -> bool {
        self.errors().next().is_none()
    }

    /// The findings that fail the audit.
    pub fn errors(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|f| f.level == Level::Error)
    }

    /// The trap instructions, allowed or not.
    pub fn traps(&self) -> impl Iterator<Item = &Finding> {
        self.findings
            .iter()
            .filter(|f| f.rule == Rule::TrapInstruction)
    }

    /// What the note says, if it is one that the kernel takes.
    pub fn note_kind(&self) -> Option<NoteKind> {
        self.note.and_then(|note| note.kind())
    }
}
