//! Hashes of strings and files, their notations, and placeholders of outputs.

use super::{Result, Row, invalid};
use crate::evaluator::Evaluator;
use crate::hash::{Algorithm, Hash, Notation, to_nix32};
use crate::value::Value;

pub(super) const ALL: &[Row] = &[
    (
        "convertHash",
        1,
        "Writes { hash, hashAlgo ? , toHashFormat } in another format: base16, nix32, base64 or sri.",
        convert_hash,
    ),
    (
        "hashFile",
        2,
        "The hash of a file in hexadecimal: blake3, md5, sha1, sha256 or sha512.",
        hash_file,
    ),
    (
        "hashString",
        2,
        "The hash of a string in hexadecimal: blake3, md5, sha1, sha256 or sha512.",
        hash_string,
    ),
    (
        "placeholder",
        1,
        "A text that stands for the path of the named output where that is not known yet.",
        placeholder,
    ),
];

fn algorithm(ev: &Evaluator, value: &Value) -> Result<Algorithm> {
    let name = ev.expect_plain_string(value, "the hash algorithm")?;
    Algorithm::from_name(&name.to_string_lossy()).map_err(invalid)
}

fn hash_string(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let algorithm = algorithm(ev, &args[0])?;
    let text = ev.expect_string(&args[1], "the second argument of `hashString`")?;
    let hash = algorithm.hash(text.as_bytes());
    Ok(Value::from(hash.show(Notation::Base16)))
}

fn hash_file(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let algorithm = algorithm(ev, &args[0])?;
    let path = super::paths::path_argument(ev, &args[1], "the second argument of `hashFile`")?;
    let hash = algorithm.hash(&ev.read_file(path.as_str())?);
    Ok(Value::from(hash.show(Notation::Base16)))
}

fn convert_hash(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let attrs = ev.expect_attrs(&args[0], "the argument of `convertHash`")?;
    let text = |name: &str| -> Result<Option<String>> {
        let Some(attr) = attrs.get(ev.symbol(name)) else {
            return Ok(None);
        };
        let text = ev.expect_plain_string(&ev.force_attr(attr)?, &format!("`{name}`"))?;
        Ok(Some(text.to_string_lossy().into_owned()))
    };
    let required = |name: &str| text(name)?.ok_or_else(|| ev.lacking(ev.symbol(name), &attrs));
    let hash = required("hash")?;
    let algorithm = match text("hashAlgo")? {
        Some(name) => Some(Algorithm::from_name(&name).map_err(invalid)?),
        None => None,
    };
    let notation = Notation::from_name(&required("toHashFormat")?).map_err(invalid)?;
    let hash = Hash::parse(&hash, algorithm).map_err(invalid)?;
    Ok(Value::from(hash.show(notation)))
}

fn placeholder(ev: &Evaluator, args: &[Value]) -> Result<Value> {
    let output = ev.expect_plain_string(&args[0], "the argument of `placeholder`")?;
    let text = [b"nix-output:", output.as_bytes()].concat();
    let hash = Algorithm::Sha256.hash(&text);
    Ok(Value::from(format!("/{}", to_nix32(&hash.bytes))))
}
