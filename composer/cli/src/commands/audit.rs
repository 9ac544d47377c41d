//! `audit`: trap instructions, notes and marks of ELF files wherever they are packed.
//!
//! Exit code 1 where something fails. Invariant: nothing is written, and links are not followed below
//! the paths that the user named.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use xsc_elf::{Machine, Policy, Require};

use super::print;
use crate::args::{Audit, AuditFormat, MachineArg, RequireArg};
use crate::context::Context;
use crate::error::CommandError;

pub(crate) fn run(context: &Context, args: &Audit) -> Result<(), CommandError> {
    let require = match args.require {
        RequireArg::Nothing => Require::Nothing,
        RequireArg::Base => Require::Base,
        RequireArg::Cfi => Require::Cfi,
    };
    let machine = args.machine.map(|machine| match machine {
        MachineArg::X86_64 => Machine::X86_64,
        MachineArg::Aarch64 => Machine::Aarch64,
    });
    let policy = Policy::new(require, machine)
        .allowing_traps(&args.allow_traps)
        .map_err(|e| CommandError::usage(e.to_string()))?;
    let mut files = Vec::new();
    for path in &args.paths {
        collect(path, &mut files)
            .map_err(|(at, e)| CommandError::usage(format!("cannot read {}: {e}", at.display())))?;
    }
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
    let audit = xsc_elf::audit_all(&files, &policy, threads, |file| File::open(&file.path))
        .map_err(|(path, e)| CommandError::other(format!("cannot read {path}: {e}")))?;
    let format = match context.json {
        true => AuditFormat::Json,
        false => args.format,
    };
    match format {
        AuditFormat::Text => print(xsc_elf::text(&audit).trim_end()),
        AuditFormat::Json => print(&xsc_elf::json(&audit).to_string()),
        AuditFormat::Sarif => print(&xsc_elf::sarif(&audit).to_string()),
    }
    if audit.files.is_empty() {
        return Err(
            CommandError::usage("there is no ELF file in what was named").hint(
                "folders, ELF files, .deb, tar, cpio and ar archives are read, compressed or not; \
disk and ISO images are not: audit the tree that they are made of",
            ),
        );
    }
    match audit.passes() {
        true => Ok(()),
        false => Err(CommandError::other(format!(
            "the audit found {}",
            crate::ui::count(audit.summary().errors, "error")
        ))),
    }
}

/// A file to audit and the name that it has in reports.
struct Item {
    path: PathBuf,
    shown: String,
}

impl AsRef<str> for Item {
    fn as_ref(&self) -> &str {
        &self.shown
    }
}

fn collect(path: &Path, out: &mut Vec<Item>) -> Result<(), (PathBuf, io::Error)> {
    let at = |e| (path.to_owned(), e);
    if !fs::metadata(path).map_err(at)?.is_dir() {
        out.push(Item {
            path: path.to_owned(),
            shown: path.display().to_string(),
        });
        return Ok(());
    }
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        let at = |e| (folder.clone(), e);
        for entry in fs::read_dir(&folder).map_err(at)? {
            let entry = entry.map_err(at)?;
            let kind = entry.file_type().map_err(at)?;
            let path = entry.path();
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() {
                let shown = path.display().to_string();
                out.push(Item { path, shown });
            }
        }
    }
    Ok(())
}
