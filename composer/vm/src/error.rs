//! Why a virtual machine could not be found, started or followed.
//!
//! Returned by every public operation of the crate; the command line prints it. Invariant: a guest that boots
//! and fails its test is not an error but a `Verdict` with `passed == false`.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

use crate::verdict::Verdict;

/// A fault of the host side: tools, files, channels.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VmError {
    /// The emulator is in none of the directories of the search path.
    #[error("{program} was not found; install the Debian package {package}")]
    QemuMissing {
        /// Name of the program looked for.
        program: &'static str,
        /// The Debian package that holds it.
        package: &'static str,
    },
    /// No matching pair of UEFI code and variable store exists.
    #[error("no UEFI firmware in {}; install the Debian package {package}", directory.display())]
    UefiMissing {
        /// The folder looked in.
        directory: PathBuf,
        /// The Debian package that holds the firmware.
        package: &'static str,
    },
    /// The emulator ran but did not tell its version.
    #[error("{} does not answer --version as QEMU does", program.display())]
    NotQemu {
        /// The program asked.
        program: PathBuf,
    },
    /// A program could not be started.
    #[error("cannot start {}", program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// The reason.
        #[source]
        source: io::Error,
    },
    /// QEMU ended before the machine existed: it refused an argument or a file.
    #[error("{} refused to start the machine ({status}): {message}", program.display())]
    Refused {
        /// The program.
        program: PathBuf,
        /// How it ended.
        status: ExitStatus,
        /// What it said, its last lines.
        message: String,
    },
    /// QEMU neither opened its channels nor ended.
    #[error("{} did not open its channels within {seconds} s", program.display())]
    Stuck {
        /// The program.
        program: PathBuf,
        /// The time allowed.
        seconds: u64,
    },
    /// An image, kernel or firmware file cannot be read.
    #[error("cannot read {}", path.display())]
    Input {
        /// The file.
        path: PathBuf,
        /// The reason.
        #[source]
        source: io::Error,
    },
    /// A private file of the run could not be made.
    #[error("cannot prepare {}", path.display())]
    Scratch {
        /// The file or folder.
        path: PathBuf,
        /// The reason.
        #[source]
        source: io::Error,
    },
    /// The state of the running emulator could not be read.
    #[error("cannot follow {}", program.display())]
    Follow {
        /// The program.
        program: PathBuf,
        /// The reason.
        #[source]
        source: io::Error,
    },
    /// The cancel flag was raised; QEMU was ended.
    #[error("the virtual machine was cancelled")]
    Cancelled,
    /// The test failed and its bundle could not be written.
    #[error("the test failed, and its bundle could not be written to {}", path.display())]
    Bundle {
        /// The file or folder.
        path: PathBuf,
        /// What the bundle would have held.
        verdict: Box<Verdict>,
        /// The reason.
        #[source]
        source: io::Error,
    },
}
