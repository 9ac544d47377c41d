//! The audit of many files at once, and what it says in all.
//!
//! The builtin step and the verb call `audit_all` with the files they have. Invariant: the result is in
//! the order of paths, whichever thread was first.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use glob::{MatchOptions, Pattern};

use crate::report::{FileKind, Finding, Level, Machine, Options, Report, Require, Rule};

/// What many files are audited for.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// The variant.
    pub require: Require,
    /// The machine, where it is known.
    pub machine: Option<Machine>,
    /// Patterns of paths whose trap instructions are allowed: a loader for ordinary kernels.
    allow_traps: Vec<Pattern>,
    /// Paths of files that may break rules, and why: each is one file, and must need it.
    exempt: BTreeMap<String, String>,
}

impl Policy {
    /// A policy that allows nothing.
    pub fn new(require: Require, machine: Option<Machine>) -> Policy {
        Policy {
            require,
            machine,
            ..Policy::default()
        }
    }

    /// The same policy that allows trap instructions in files that a pattern matches. `*` does not match a
    /// slash, `**` does; a pattern without a slash is one of a file's name.
    ///
    /// # Errors
    /// The pattern that is none, and why.
    pub fn allowing_traps(self, patterns: &[String]) -> Result<Policy, PatternError> {
        let compile = |text: &String| {
            Pattern::new(text.trim_start_matches('/')).map_err(|e| PatternError {
                pattern: text.clone(),
                reason: e.msg,
            })
        };
        Ok(Policy {
            allow_traps: patterns.iter().map(compile).collect::<Result<_, _>>()?,
            ..self
        })
    }

    /// The same policy with files that may break rules: whole paths, as they are in reports, and why.
    #[must_use]
    pub fn exempting(self, files: BTreeMap<String, String>) -> Policy {
        Policy {
            exempt: files,
            ..self
        }
    }

    fn allows_traps(&self, path: &str) -> bool {
        let options = MatchOptions {
            require_literal_separator: true,
            ..MatchOptions::new()
        };
        // In an archive the path inside counts.
        let path = path.rsplit('!').next().unwrap_or(path);
        let path = path.trim_start_matches("./").trim_start_matches('/');
        let name = path.rsplit('/').next().unwrap_or(path);
        self.allow_traps.iter().any(|pattern| {
            let subject = if pattern.as_str().contains('/') {
                path
            } else {
                name
            };
            pattern.matches_with(subject, options)
        })
    }
}

/// A pattern that is none.
#[derive(Debug, thiserror::Error)]
#[error("`{pattern}` is no pattern: {reason}")]
pub struct PatternError {
    /// The text.
    pub pattern: String,
    /// What is wrong.
    pub reason: &'static str,
}

/// One file's report with its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileReport {
    /// The path, as the caller named it, with `!` before what is inside an archive.
    pub path: String,
    /// What was found.
    pub report: Report,
    /// Why its errors don't count, if they don't: they are notes then.
    pub exempt: Option<String>,
}

/// The reports of many files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Audit {
    /// What was asked for.
    pub require: Require,
    /// Every ELF file, by path.
    pub files: Vec<FileReport>,
    /// Paths of exemptions that no file needed, which fails the audit: what is allowed is what there is.
    pub unneeded: Vec<String>,
}

/// What an audit comes to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// ELF files.
    pub files: usize,
    /// Those that a program of ours is made of: programs and libraries.
    pub programs: usize,
    /// Of those, the ones with a note that the kernel takes.
    pub noted: usize,
    /// Of those, the ones with the marks of control-flow integrity.
    pub marked: usize,
    /// Trap instructions, allowed ones included.
    pub traps: usize,
    /// Findings that fail the audit.
    pub errors: usize,
    /// Findings that are worth a look.
    pub warnings: usize,
    /// Executable bytes that were looked at.
    pub code_bytes: u64,
}

impl Audit {
    /// Whether nothing fails it.
    pub fn passes(&self) -> bool {
        self.unneeded.is_empty() && self.files.iter().all(|file| file.report.passes())
    }

    /// Counts what there is.
    pub fn summary(&self) -> Summary {
        let mut sum = Summary {
            errors: self.unneeded.len(),
            ..Summary::default()
        };
        for FileReport { report, .. } in &self.files {
            let program = matches!(
                report.kind,
                FileKind::Program | FileKind::StaticProgram | FileKind::Library
            );
            sum.files += 1;
            sum.programs += usize::from(program);
            sum.noted += usize::from(program && report.note_kind().is_some());
            sum.marked += usize::from(program && report.cfi_marks);
            sum.traps += report.traps().count();
            sum.code_bytes += report.code_bytes;
            for finding in &report.findings {
                match finding.level {
                    Level::Error => sum.errors += 1,
                    Level::Warning => sum.warnings += 1,
                    Level::Note => {}
                }
            }
        }
        sum
    }
}

/// Audits files on `threads` threads. `open` gives the content of one; archives are looked into.
///
/// # Errors
/// The first file that `open` can't give, with its path. Damage inside an archive is a finding.
pub fn audit_all<T: AsRef<str> + Sync, R: Read>(
    files: &[T],
    policy: &Policy,
    threads: usize,
    open: impl Fn(&T) -> io::Result<R> + Sync,
) -> Result<Audit, (String, io::Error)> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    let failed = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(1, files.len().max(1)) {
            scope.spawn(|| {
                let mut own = Vec::new();
                while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    match open(file) {
                        Ok(mut reader) => one(file.as_ref(), &mut reader, policy, &mut own),
                        Err(error) => {
                            next.store(files.len(), Ordering::Relaxed);
                            let mut failed = failed.lock().expect("no thread panics");
                            failed.get_or_insert((file.as_ref().to_owned(), error));
                        }
                    }
                }
                done.lock().expect("no thread panics").append(&mut own);
            });
        }
    });
    if let Some(failed) = failed.into_inner().expect("no thread panics") {
        return Err(failed);
    }
    let mut files: Vec<FileReport> = done.into_inner().expect("no thread panics");
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let mut unneeded: BTreeSet<&str> = policy.exempt.keys().map(String::as_str).collect();
    for file in files.iter().filter(|file| file.exempt.is_some()) {
        unneeded.remove(file.path.as_str());
    }
    Ok(Audit {
        require: policy.require,
        unneeded: unneeded.into_iter().map(str::to_owned).collect(),
        files,
    })
}

fn one(path: &str, reader: &mut dyn Read, policy: &Policy, out: &mut Vec<FileReport>) {
    let mut audited = |path: &str, bytes: Vec<u8>| {
        let options = Options {
            require: policy.require,
            machine: policy.machine,
            allow_traps: policy.allows_traps(path),
        };
        let mut report = crate::audit_with(&bytes, &options);
        let reason = policy.exempt.get(path).filter(|_| !report.passes());
        if reason.is_some() {
            for finding in &mut report.findings {
                finding.level = Level::Note;
            }
        }
        out.push(FileReport {
            path: path.to_owned(),
            report,
            exempt: reason.cloned(),
        });
    };
    let result = crate::contents::visit(path, reader, &mut audited);
    if let Err(error) = result {
        let finding = Finding {
            rule: Rule::Malformed,
            level: Level::Warning,
            message: format!("what is packed in it can't be read: {error}"),
            place: None,
            count: 1,
        };
        out.push(FileReport {
            path: path.to_owned(),
            report: Report {
                findings: vec![finding],
                ..Report::default()
            },
            exempt: None,
        });
    }
}
