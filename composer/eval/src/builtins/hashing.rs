//! Hashes of strings and files, in lower-case hexadecimal.

use sha2::{Digest, Sha256, Sha512};

use super::{Result, Row, invalid};
use crate::evaluator::Evaluator;
use crate::value::Value;

pub(super) const ALL: &[Row] = &[
    (
        "hashFile",
        2,
        "The hash of a file in hexadecimal: sha256, sha512 or blake3.",
        hash_file,
    ),
    (
        "hashString",
        2,
        "The hash of a string in hexadecimal: sha256, sha512 or blake3.",
        hash_string,
    ),
];

fn digest(ev: &Evaluator, algorithm: &Value, bytes: &[u8]) -> Result<Value> {
    let algorithm = ev.expect_string(algorithm, "the hash algorithm")?;
    let digest = match algorithm.as_bytes() {
        b"sha256" => hex(&Sha256::digest(bytes)),
        b"sha512" => hex(&Sha512::digest(bytes)),
        b"blake3" => blake3::hash(bytes).to_hex().to_string(),
        _ => {
            let name = algorithm.to_string_lossy();
            let known = "sha256, sha512 or blake3";
            return Err(invalid(format!(
                "unknown hash algorithm `{name}`; use {known}"
            )));
        }
    };
    Ok(Value::from(digest))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn hash_string(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let text = ev.expect_string(&args[1], "the second argument of `hashString`")?;
    digest(ev, &args[0], text.as_bytes())
}

fn hash_file(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let path = super::paths::path_argument(ev, &args[1], "the second argument of `hashFile`")?;
    digest(ev, &args[0], &ev.read_file(path.as_str())?)
}
