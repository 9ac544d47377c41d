//! Attestations: what somebody found who built an action again under other conditions, signed with ed25519.
//!
//! `xsc-compose verify` makes them and weighs those of others; `docs/formats/cache.md` describes the text. Invariant:
//! as of a statement, a value has one text and only that text parses, and it names the action and the outputs, so an
//! attestation speaks for nothing else.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Signature;
use xsc_model::{ActionId, OutputName, TreeId};

use crate::log::split_by;
use crate::statement::{Lines, outputs_of, outputs_text};
use crate::{KeyName, PublicKey, SecretKey, StatementError};

const HEADER: &str = "xsc-attestation-1";

/// What rebuilds of an action gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attestation {
    /// The action.
    pub action: ActionId,
    /// The outputs that rebuilds were compared with.
    pub outputs: BTreeMap<OutputName, TreeId>,
    /// How often it was built again at most.
    pub rounds: u32,
    /// What was not as in an ordinary build, in words; empty for what runs no command.
    pub varied: Vec<String>,
    /// What came of it.
    pub found: Found,
    /// Who built it again, in words, such as a host's name.
    pub verifier: String,
    /// When it was said, in seconds since 1970.
    pub time: u64,
}

/// What came of building again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Every rebuild gave the same outputs.
    Identical,
    /// One gave this tree for that output.
    Different(OutputName, TreeId),
    /// The rebuild of this round failed.
    Failed(u32),
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Found::Identical => f.write_str("identical"),
            Found::Different(output, tree) => write!(f, "different {output} {tree}"),
            Found::Failed(round) => write!(f, "failed {round}"),
        }
    }
}

impl Found {
    fn parse(text: &str) -> Option<Found> {
        if text == "identical" {
            return Some(Found::Identical);
        }
        let (word, rest) = text.split_once(' ')?;
        match word {
            "different" => {
                let (output, tree) = rest.split_once(' ')?;
                Some(Found::Different(output.parse().ok()?, tree.parse().ok()?))
            }
            "failed" => Some(Found::Failed(rest.parse().ok()?)),
            _ => None,
        }
    }
}

impl Attestation {
    /// The text that is signed.
    fn to_text(&self, key: &KeyName) -> String {
        let mut text = format!("{HEADER}\naction {}\n", self.action);
        text.push_str(&outputs_text(&self.outputs));
        text.push_str(&format!("rounds {}\n", self.rounds));
        for aspect in &self.varied {
            text.push_str(&format!("varied {aspect}\n"));
        }
        text.push_str(&format!("verdict {}\n", self.found));
        // One line, whatever the caller took for a name.
        let verifier: String = self.verifier.chars().filter(|c| !c.is_control()).collect();
        text.push_str(&format!("verifier {verifier}\ntime {}\n", self.time));
        text.push_str(&format!("key {key}\nend\n"));
        text
    }
}

/// An attestation with its signature. Reading one does not verify it: [`SignedAttestation::verify`] does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedAttestation {
    attestation: Attestation,
    key: KeyName,
    text: String,
    signature: Signature,
}

impl SignedAttestation {
    /// Signs an attestation.
    pub fn sign(attestation: Attestation, key: &SecretKey) -> SignedAttestation {
        let name = key.public().name().clone();
        let text = attestation.to_text(&name);
        SignedAttestation {
            signature: key.signature(&text),
            attestation,
            key: name,
            text,
        }
    }

    /// What is said; believe it only after `verify`.
    pub fn attestation(&self) -> &Attestation {
        &self.attestation
    }

    /// The name of the key that it claims to be signed with.
    pub fn key(&self) -> &KeyName {
        &self.key
    }

    /// Whether `key` signed exactly this.
    pub fn verify(&self, key: &PublicKey) -> bool {
        self.key == *key.name() && key.signed(&self.text, &self.signature)
    }

    /// The bytes that files carry.
    pub fn to_bytes(&self) -> Vec<u8> {
        let signature = STANDARD.encode(self.signature.to_bytes());
        format!("{}signature {signature}\n", self.text).into_bytes()
    }

    /// Reads one; anything but the text that `to_bytes` makes is refused.
    pub fn parse(bytes: &[u8]) -> Result<SignedAttestation, StatementError> {
        let text = std::str::from_utf8(bytes).map_err(|_| StatementError::NotText)?;
        let mut lines = Lines::of(text);
        let found = read(&mut lines).ok_or(StatementError::Line { line: lines.at() })?;
        match StatementError::unless_same(&found.to_bytes(), bytes) {
            None => Ok(found),
            Some(error) => Err(error),
        }
    }

    /// Reads those that stand one after the other in a file: the line at which each starts, and what it is.
    pub fn read_all(
        bytes: &[u8],
    ) -> impl Iterator<Item = (usize, Result<SignedAttestation, StatementError>)> {
        let mut line = 1;
        split_by(HEADER, bytes).map(move |chunk| {
            let start = line;
            line += chunk.iter().filter(|byte| **byte == b'\n').count();
            (start, SignedAttestation::parse(chunk))
        })
    }
}

fn read(lines: &mut Lines<'_>) -> Option<SignedAttestation> {
    lines.exactly(HEADER)?;
    let action = lines.value("action")?.parse().ok()?;
    let outputs = outputs_of(lines)?;
    let rounds = lines.value("rounds")?.parse().ok()?;
    let mut varied = Vec::new();
    while let Some(aspect) = lines.optional("varied") {
        varied.push(aspect.to_owned());
    }
    let found = Found::parse(lines.value("verdict")?)?;
    let verifier = lines.value("verifier")?.to_owned();
    let time = lines.value("time")?.parse().ok()?;
    let (key, signature) = lines.signature()?;
    let attestation = Attestation {
        action,
        outputs,
        rounds,
        varied,
        found,
        verifier,
        time,
    };
    Some(SignedAttestation {
        text: attestation.to_text(&key),
        attestation,
        key,
        signature,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use xsc_model::Digest;

    fn key(seed: u8) -> SecretKey {
        SecretKey::from_seed(KeyName::new("ci").unwrap(), [seed; 32])
    }

    fn attestation(found: Found) -> Attestation {
        Attestation {
            action: ActionId(Digest::of(b"action")),
            outputs: BTreeMap::from([(OutputName::out(), TreeId(Digest::of(b"tree")))]),
            rounds: 2,
            varied: vec!["date".to_owned(), "readdir order".to_owned()],
            found,
            verifier: "host one".to_owned(),
            time: 1_700_000_000,
        }
    }

    #[test]
    fn an_attestation_comes_back_as_it_was_and_verifies() {
        let other = TreeId(Digest::of(b"other"));
        for found in [
            Found::Identical,
            Found::Different(OutputName::out(), other),
            Found::Failed(2),
        ] {
            let said = attestation(found);
            let signed = SignedAttestation::sign(said.clone(), &key(1));
            let read = SignedAttestation::parse(&signed.to_bytes()).unwrap();
            assert_eq!((read.attestation(), &read), (&said, &signed));
            assert!(read.verify(&key(1).public()));
            assert!(!read.verify(&key(2).public()));
        }
    }

    #[test]
    fn no_single_byte_can_be_changed_removed_or_added() {
        let bytes = SignedAttestation::sign(attestation(Found::Failed(1)), &key(1)).to_bytes();
        let public = key(1).public();
        let holds =
            |bytes: &[u8]| SignedAttestation::parse(bytes).is_ok_and(|read| read.verify(&public));
        assert!(holds(&bytes));
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(!holds(&changed), "byte {at} changed");
            let mut removed = bytes.clone();
            removed.remove(at);
            assert!(!holds(&removed), "byte {at} removed");
            let mut added = bytes.clone();
            added.insert(at, b'0');
            assert!(!holds(&added), "a byte added at {at}");
        }
    }

    #[test]
    fn a_statement_is_no_attestation_whoever_signed_it() {
        let said = crate::Statement {
            action: ActionId(Digest::of(b"action")),
            outputs: attestation(Found::Identical).outputs,
            isolation: Vec::new(),
            log: None,
            builder: "host".to_owned(),
            time: 1,
        };
        let bytes = key(1).sign(said).to_bytes();
        let line = StatementError::Line { line: 1 };
        assert_eq!(SignedAttestation::parse(&bytes), Err(line.clone()));
        let bytes = SignedAttestation::sign(attestation(Found::Identical), &key(1)).to_bytes();
        assert_eq!(crate::SignedStatement::parse(&bytes), Err(line));
    }

    #[test]
    fn a_file_of_several_names_the_line_of_a_bad_one() {
        let one = SignedAttestation::sign(attestation(Found::Identical), &key(1));
        let two = SignedAttestation::sign(attestation(Found::Failed(1)), &key(2));
        let mut file = one.to_bytes();
        let cut = one.to_bytes();
        file.extend_from_slice(&cut[..cut.len() - 20]);
        file.push(b'\n');
        file.extend(two.to_bytes());
        let read: Vec<_> = SignedAttestation::read_all(&file).collect();
        let length = one.to_bytes().iter().filter(|byte| **byte == b'\n').count();
        assert_eq!(read.len(), 3);
        assert_eq!(read[0], (1, Ok(one)));
        assert_eq!(read[1].0, 1 + length);
        assert!(read[1].1.is_err());
        assert_eq!(read[2], (1 + 2 * length, Ok(two)));
        assert_eq!(SignedAttestation::read_all(b"").count(), 0);
    }
}
