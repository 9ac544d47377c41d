//! A store that only computes: the paths that Nix gives to sources, texts and derivations.
//!
//! Used by `host.rs`, because upstream's goldens have such paths in them. Invariant: nothing is written,
//! and only files of the suite are read.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use xsc_eval::{
    ErrorKind, EvalError, Evaluator, FetchRequest, NixString, SourceRequest, Store, Value,
};

use crate::host::LANG;

pub(crate) const STORE: &str = "/nix/store";

pub(crate) fn failed(message: impl Into<String>) -> EvalError {
    let message = message.into();
    ErrorKind::InvalidArgument { message }.into()
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The path of a thing whose `kind` and hexadecimal hash of the content are known.
pub(crate) fn path_of(kind: &str, hash: &str, name: &str) -> String {
    let text = format!("{kind}:sha256:{hash}:{STORE}:{name}");
    let hash = Sha256::digest(text.as_bytes());
    let mut short = [0_u8; 20];
    for (index, byte) in hash.iter().enumerate() {
        short[index % 20] ^= byte;
    }
    let letters = b"0123456789abcdfghijklmnpqrsvwxyz";
    let digit = |index: usize| {
        let bits = (0..5).filter(|bit| {
            let bit = index * 5 + bit;
            short[bit / 8] >> (bit % 8) & 1 == 1
        });
        char::from(letters[bits.map(|bit| 1 << bit).sum::<usize>()])
    };
    let digits: String = (0..32).rev().map(digit).collect();
    format!("{STORE}/{digits}-{name}")
}

/// The path of content with a fixed hash.
pub(crate) fn fixed_path(recursive: bool, algorithm: &str, hash: &str, name: &str) -> String {
    if recursive && algorithm == "sha256" {
        return path_of("source", hash, name);
    }
    let mode = if recursive { "r:" } else { "" };
    let inner = format!("fixed:out:{mode}{algorithm}:{hash}:");
    path_of("output:out", &sha256(inner.as_bytes()), name)
}

/// The path of a text that refers to other paths, which are sorted.
pub(crate) fn text_path(text: &[u8], references: &[&str], name: &str) -> String {
    let mut kind = "text".to_owned();
    for reference in references {
        kind += &format!(":{reference}");
    }
    path_of(&kind, &sha256(text), name)
}

/// A string that refers to the path it is.
pub(crate) fn reference(path: &str) -> Value {
    Value::string(NixString::from(path).with_context([path.into()].into()))
}

pub(crate) struct Computed {
    pub(crate) directory: PathBuf,
}

impl Computed {
    pub(crate) fn source_path(&self, request: &SourceRequest) -> Result<String, EvalError> {
        let inside = request.path.strip_prefix(LANG);
        let inside = inside.ok_or_else(|| failed(format!("no such file: {}", request.path)))?;
        let path = self.directory.join(inside.trim_start_matches('/'));
        let kept = request.kept.as_ref();
        let keeps = |relative: &Path| {
            let is = |kept: &(String, _)| Path::new(&kept.0) == relative;
            kept.is_none_or(|kept| kept.iter().any(is))
        };
        let hash = if request.recursive {
            let mut archive = Vec::new();
            word(&mut archive, b"nix-archive-1");
            dump(&mut archive, &path, Path::new(""), &keeps)
                .map_err(|error| failed(format!("{}: {error}", request.path)))?;
            sha256(&archive)
        } else {
            sha256(&fs::read(path).map_err(|error| failed(error.to_string()))?)
        };
        if let Some(wanted) = request.sha256 {
            let wanted: String = wanted.iter().map(|byte| format!("{byte:02x}")).collect();
            if wanted != hash {
                return Err(failed(format!("{} has another hash", request.path)));
            }
        }
        Ok(fixed_path(
            request.recursive,
            "sha256",
            &hash,
            &request.name,
        ))
    }
}

impl Store for Computed {
    fn source(&self, _: &Evaluator, request: &SourceRequest) -> Result<Value, EvalError> {
        Ok(reference(&self.source_path(request)?))
    }

    fn text(&self, _: &Evaluator, name: &str, text: &NixString) -> Result<Value, EvalError> {
        let items = text.context().into_iter().flat_map(|items| items.iter());
        let references: Vec<&str> = items.map(|item| &**item).collect();
        Ok(reference(&text_path(text.as_bytes(), &references, name)))
    }

    fn existing(&self, _: &Evaluator, path: &str) -> Result<Value, EvalError> {
        match path.strip_prefix(STORE) {
            Some(rest) if rest.len() > 34 => Ok(reference(path)),
            _ => Err(failed(format!("{path} is not in the store"))),
        }
    }

    fn fetch(&self, _: &Evaluator, request: &FetchRequest) -> Result<Value, EvalError> {
        let hash: String = request.sha256.iter().map(|b| format!("{b:02x}")).collect();
        let path = fixed_path(request.unpack, "sha256", &hash, &request.name);
        Ok(reference(&path))
    }
}

/// A word of Nix's archive format: its length, its bytes, zeros up to a multiple of eight.
fn word(archive: &mut Vec<u8>, bytes: &[u8]) {
    archive.extend((bytes.len() as u64).to_le_bytes());
    archive.extend(bytes);
    archive.resize(archive.len().next_multiple_of(8), 0);
}

fn dump(
    archive: &mut Vec<u8>,
    path: &Path,
    relative: &Path,
    keeps: &impl Fn(&Path) -> bool,
) -> std::io::Result<()> {
    let metadata = fs::symlink_metadata(path)?;
    for text in ["(", "type"] {
        word(archive, text.as_bytes());
    }
    if metadata.is_symlink() {
        word(archive, b"symlink");
        word(archive, b"target");
        let target = fs::read_link(path)?;
        word(archive, target.as_os_str().as_encoded_bytes());
    } else if metadata.is_dir() {
        word(archive, b"directory");
        let mut names = fs::read_dir(path)?
            .map(|entry| Ok(entry?.file_name()))
            .collect::<std::io::Result<Vec<_>>>()?;
        names.sort();
        for name in names {
            let inner = relative.join(&name);
            if !keeps(&inner) {
                continue;
            }
            for text in ["entry", "(", "name"] {
                word(archive, text.as_bytes());
            }
            word(archive, name.as_encoded_bytes());
            word(archive, b"node");
            dump(archive, &path.join(&name), &inner, keeps)?;
            word(archive, b")");
        }
    } else {
        word(archive, b"regular");
        if metadata.permissions().mode() & 0o100 != 0 {
            word(archive, b"executable");
            word(archive, b"");
        }
        word(archive, b"contents");
        word(archive, &fs::read(path)?);
    }
    word(archive, b")");
    Ok(())
}
