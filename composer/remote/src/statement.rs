//! Statements: what somebody says an action produced, signed with ed25519.
//!
//! Builders sign them, `trust` weighs them, caches carry them; `docs/formats/cache.md` describes
//! the text. Invariant: a value has one text and only that text parses, so a signature covers all
//! that is read.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use xsc_model::{ActionId, Digest, OutputName, TreeId};

const HEADER: &str = "xsc-statement-1";

/// A key's name, such as `team-ci-1`: 1 to 60 letters, digits, `.`, `_` or `-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(String);

/// A text that is no key, or no key's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// The name has other characters, or none.
    #[error("`{name}` is no name of a key: it must be 1 to 60 letters, digits, `.`, `_` or `-`")]
    Name {
        /// What was given.
        name: String,
    },
    /// There is no `:` or what follows it is not a key in base64.
    #[error(
        "`{shown}` is not a {kind} key: it must be NAME:BASE64, as `xsc-compose keygen` prints it"
    )]
    Form {
        /// What was given; of a secret key the name alone.
        shown: String,
        /// `public` or `secret`.
        kind: &'static str,
    },
}

impl KeyName {
    /// Checks a name.
    pub fn new(name: impl Into<String>) -> Result<Self, InvalidKey> {
        let name = name.into();
        let fits = (1..=60).contains(&name.len())
            && !name.starts_with('.')
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
        match fits {
            true => Ok(KeyName(name)),
            false => Err(InvalidKey::Name { name }),
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A key that verifies, written `NAME:BASE64`.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    name: KeyName,
    key: VerifyingKey,
}

impl PublicKey {
    /// Its name.
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// Whether it signed this text.
    pub(crate) fn signed(&self, text: &str, signature: &Signature) -> bool {
        self.key.verify_strict(text.as_bytes(), signature).is_ok()
    }

    /// The key itself.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.name, STANDARD.encode(self.key.as_bytes()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for PublicKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let form = || InvalidKey::Form {
            shown: text.to_owned(),
            kind: "public",
        };
        let (name, key) = text.split_once(':').ok_or_else(form)?;
        let name = KeyName::new(name)?;
        let bytes: [u8; 32] = decode(key).ok_or_else(form)?;
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| form())?;
        // A weak key would let one signature fit many texts.
        match key.is_weak() {
            true => Err(form()),
            false => Ok(PublicKey { name, key }),
        }
    }
}

/// A key that signs. Its text is for one file with mode 0600; it has no `Display`.
pub struct SecretKey {
    name: KeyName,
    key: SigningKey,
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({})", self.name)
    }
}

impl SecretKey {
    /// A key from 32 random bytes.
    pub fn from_seed(name: KeyName, seed: [u8; 32]) -> SecretKey {
        let key = SigningKey::from_bytes(&seed);
        SecretKey { name, key }
    }

    /// The key that verifies what this one signs.
    pub fn public(&self) -> PublicKey {
        PublicKey {
            name: self.name.clone(),
            key: self.key.verifying_key(),
        }
    }

    /// The text of a key file: `NAME:BASE64` and a line feed.
    pub fn to_text(&self) -> String {
        format!("{}:{}\n", self.name, STANDARD.encode(self.key.to_bytes()))
    }

    /// Reads the text of a key file.
    pub fn parse(text: &str) -> Result<SecretKey, InvalidKey> {
        let line = text.strip_suffix('\n').unwrap_or(text);
        let form = |shown: &str| InvalidKey::Form {
            shown: shown.to_owned(),
            kind: "secret",
        };
        let (name, key) = line.split_once(':').ok_or_else(|| form("…"))?;
        let name = KeyName::new(name)?;
        let seed = decode(key).ok_or_else(|| form(name.as_str()))?;
        Ok(SecretKey::from_seed(name, seed))
    }

    /// Signs a statement.
    pub fn sign(&self, statement: Statement) -> SignedStatement {
        let text = statement.to_text(&self.name);
        SignedStatement {
            signature: self.signature(&text),
            statement,
            key: self.name.clone(),
            text,
        }
    }

    pub(crate) fn signature(&self, text: &str) -> Signature {
        self.key.sign(text.as_bytes())
    }
}

fn decode(text: &str) -> Option<[u8; 32]> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

/// What somebody says an action produced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The action.
    pub action: ActionId,
    /// Its outputs by name.
    pub outputs: BTreeMap<OutputName, TreeId>,
    /// The parts of the isolation that the build ran in; empty for what ran no command.
    pub isolation: Vec<String>,
    /// The build's log, where there is one: the digest of its text and how many bytes.
    pub log: Option<(Digest, u64)>,
    /// Who or what built it, in words, such as a host's name.
    pub builder: String,
    /// When it was said, in seconds since 1970.
    pub time: u64,
}

/// Bytes that are not a statement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// It is not UTF-8.
    #[error("the statement is not UTF-8")]
    NotText,
    /// A line is not what must stand there.
    #[error("line {line} of the statement is not valid")]
    Line {
        /// Counted from one.
        line: usize,
    },
}

impl Statement {
    /// The text that is signed.
    fn to_text(&self, key: &KeyName) -> String {
        let mut text = format!("{HEADER}\naction {}\n", self.action);
        text.push_str(&outputs_text(&self.outputs));
        if !self.isolation.is_empty() {
            text.push_str(&format!("isolation {}\n", self.isolation.join(" ")));
        }
        if let Some((digest, size)) = &self.log {
            text.push_str(&format!("log {digest} {size}\n"));
        }
        // One line, whatever the caller took for a name.
        let builder: String = self.builder.chars().filter(|c| !c.is_control()).collect();
        text.push_str(&format!("builder {builder}\ntime {}\n", self.time));
        text.push_str(&format!("key {key}\nend\n"));
        text
    }
}

/// A statement with its signature. Reading one does not verify it: [`SignedStatement::verify`]
/// does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedStatement {
    statement: Statement,
    key: KeyName,
    text: String,
    signature: Signature,
}

impl SignedStatement {
    /// What is said; believe it only after `verify`.
    pub fn statement(&self) -> &Statement {
        &self.statement
    }

    /// The name of the key that it claims to be signed with.
    pub fn key(&self) -> &KeyName {
        &self.key
    }

    /// Whether `key` signed exactly this.
    pub fn verify(&self, key: &PublicKey) -> bool {
        self.key == key.name && key.signed(&self.text, &self.signature)
    }

    /// The bytes that caches carry.
    pub fn to_bytes(&self) -> Vec<u8> {
        let signature = STANDARD.encode(self.signature.to_bytes());
        format!("{}signature {signature}\n", self.text).into_bytes()
    }

    /// Reads one; anything but the text that `to_bytes` makes is refused.
    pub fn parse(bytes: &[u8]) -> Result<SignedStatement, StatementError> {
        let text = std::str::from_utf8(bytes).map_err(|_| StatementError::NotText)?;
        let mut lines = Lines::of(text);
        let found = read(&mut lines).ok_or(StatementError::Line { line: lines.at })?;
        match StatementError::unless_same(&found.to_bytes(), bytes) {
            None => Ok(found),
            Some(error) => Err(error),
        }
    }
}

impl StatementError {
    /// What parsed must be what would have been written: no other order, spacing or digits.
    pub(crate) fn unless_same(canonical: &[u8], bytes: &[u8]) -> Option<StatementError> {
        if canonical == bytes {
            return None;
        }
        let same = canonical.iter().zip(bytes).take_while(|(a, b)| a == b);
        let line = 1 + same.filter(|(byte, _)| **byte == b'\n').count();
        Some(StatementError::Line { line })
    }
}

/// The lines of outputs.
pub(crate) fn outputs_text(outputs: &BTreeMap<OutputName, TreeId>) -> String {
    let lines = outputs.iter();
    lines
        .map(|(name, tree)| format!("output {name} {tree}\n"))
        .collect()
}

/// The outputs on the next lines, at least one.
pub(crate) fn outputs_of(lines: &mut Lines<'_>) -> Option<BTreeMap<OutputName, TreeId>> {
    let mut outputs = BTreeMap::new();
    while let Some(output) = lines.optional("output") {
        let (name, tree) = output.split_once(' ')?;
        outputs.insert(name.parse().ok()?, tree.parse().ok()?);
    }
    (!outputs.is_empty()).then_some(outputs)
}

/// The lines of a statement, each ended by a line feed.
pub(crate) struct Lines<'a> {
    rest: &'a str,
    at: usize,
}

impl<'a> Lines<'a> {
    pub(crate) fn of(text: &'a str) -> Self {
        Lines { rest: text, at: 0 }
    }

    /// The number of the line that was read last.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    fn next(&mut self) -> Option<&'a str> {
        self.at += 1;
        let (line, rest) = self.rest.split_once('\n')?;
        self.rest = rest;
        Some(line)
    }

    /// The next line's value, if it starts with `word`.
    pub(crate) fn optional(&mut self, word: &str) -> Option<&'a str> {
        let line = self.rest.split_once('\n')?.0;
        let value = line.strip_prefix(word)?.strip_prefix(' ')?;
        self.next();
        Some(value)
    }

    pub(crate) fn value(&mut self, word: &str) -> Option<&'a str> {
        self.next()?.strip_prefix(word)?.strip_prefix(' ')
    }

    pub(crate) fn exactly(&mut self, text: &str) -> Option<()> {
        (self.next()? == text).then_some(())
    }

    /// How every signed text ends: the key's name and the signature, and nothing behind them.
    pub(crate) fn signature(&mut self) -> Option<(KeyName, Signature)> {
        let key = KeyName::new(self.value("key")?).ok()?;
        self.exactly("end")?;
        let bytes = STANDARD.decode(self.value("signature")?).ok()?;
        let signature = Signature::from_bytes(&bytes.try_into().ok()?);
        if !self.rest.is_empty() {
            self.at += 1;
            return None;
        }
        Some((key, signature))
    }
}

fn read(lines: &mut Lines<'_>) -> Option<SignedStatement> {
    lines.exactly(HEADER)?;
    let action = lines.value("action")?.parse().ok()?;
    let outputs = outputs_of(lines)?;
    let mut isolation = Vec::new();
    if let Some(parts) = lines.optional("isolation") {
        isolation.extend(parts.split(' ').map(str::to_owned));
        if isolation.iter().any(String::is_empty) {
            return None;
        }
    }
    let mut log = None;
    if let Some(words) = lines.optional("log") {
        let (digest, size) = words.split_once(' ')?;
        log = Some((digest.parse().ok()?, size.parse().ok()?));
    }
    let builder = lines.value("builder")?.to_owned();
    let time = lines.value("time")?.parse().ok()?;
    let (key, signature) = lines.signature()?;
    let statement = Statement {
        action,
        outputs,
        isolation,
        log,
        builder,
        time,
    };
    Some(SignedStatement {
        text: statement.to_text(&key),
        statement,
        key,
        signature,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str, seed: u8) -> SecretKey {
        SecretKey::from_seed(KeyName::new(name).unwrap(), [seed; 32])
    }

    fn statement() -> Statement {
        let tree = TreeId(Digest::of(b"tree"));
        Statement {
            action: ActionId(Digest::of(b"action")),
            outputs: BTreeMap::from([
                (OutputName::out(), tree),
                (OutputName::new("dev").unwrap(), tree),
            ]),
            isolation: vec!["net".to_owned(), "pid".to_owned()],
            log: Some((Digest::of(b"log"), 3)),
            builder: "host one".to_owned(),
            time: 1_700_000_000,
        }
    }

    #[test]
    fn a_statement_comes_back_as_it_was_and_verifies() {
        let secret = key("team-ci-1", 1);
        for log in [None, statement().log] {
            let said = Statement { log, ..statement() };
            let signed = secret.sign(said.clone());
            let read = SignedStatement::parse(&signed.to_bytes()).unwrap();
            assert_eq!(read, signed);
            assert_eq!(*read.statement(), said);
            assert!(read.verify(&secret.public()));
        }
    }

    #[test]
    fn another_key_or_another_key_of_that_name_does_not_verify() {
        let signed = key("a", 1).sign(statement());
        assert!(!signed.verify(&key("a", 2).public()));
        assert!(!signed.verify(&key("b", 1).public()));
    }

    #[test]
    fn no_single_byte_can_be_changed_removed_or_added() {
        let secret = key("a", 1);
        let bytes = secret.sign(statement()).to_bytes();
        let holds = |bytes: &[u8]| {
            SignedStatement::parse(bytes).is_ok_and(|read| read.verify(&secret.public()))
        };
        assert!(holds(&bytes));
        for at in 0..bytes.len() {
            for bit in [0x01, 0x20, 0x80] {
                let mut changed = bytes.clone();
                changed[at] ^= bit;
                assert!(!holds(&changed), "byte {at} changed by {bit}");
            }
            let mut removed = bytes.clone();
            removed.remove(at);
            // One of two equal neighbours may go: then what is left is still not the text.
            assert!(!holds(&removed), "byte {at} removed");
            assert!(!holds(&bytes[..at]), "cut at {at}");
            for extra in *b" \n0a" {
                let mut added = bytes.clone();
                added.insert(at, extra);
                assert!(!holds(&added), "{extra} added at {at}");
            }
        }
        let mut twice = bytes.clone();
        twice.extend_from_slice(&bytes);
        assert!(!holds(&twice));
    }

    #[test]
    fn a_fault_is_named_by_its_line() {
        let bytes = key("a", 1).sign(statement()).to_bytes();
        let text = String::from_utf8(bytes).unwrap();
        for (from, to, line) in [
            ("xsc-statement-1", "xsc-statement-2", 1),
            ("isolation net", "isolation  net", 5),
            ("time 17", "time 017", 8),
            ("end\n", "end \n", 10),
        ] {
            let bad = text.replacen(from, to, 1);
            assert_eq!(
                SignedStatement::parse(bad.as_bytes()),
                Err(StatementError::Line { line }),
                "{to}"
            );
        }
        assert_eq!(
            SignedStatement::parse(b"\xff"),
            Err(StatementError::NotText)
        );
    }

    #[test]
    fn a_builder_of_several_lines_becomes_one() {
        let said = Statement {
            builder: "a\nend\nkey b".to_owned(),
            ..statement()
        };
        let bytes = key("a", 1).sign(said).to_bytes();
        let read = SignedStatement::parse(&bytes).unwrap();
        assert_eq!(read.statement().builder, "aendkey b");
    }

    #[test]
    fn keys_are_text_and_back() {
        let secret = key("team-ci-1", 7);
        let public: PublicKey = secret.public().to_string().parse().unwrap();
        assert_eq!(public, secret.public());
        let again = SecretKey::parse(&secret.to_text()).unwrap();
        assert_eq!(again.public(), public);
        assert!(!format!("{secret:?}").contains(&STANDARD.encode([7u8; 32])));
        for bad in ["", "a", "a:", "a:AAAA", "a b:AAAA", ":AAAA", "a:\n"] {
            assert!(bad.parse::<PublicKey>().is_err(), "{bad}");
            assert!(SecretKey::parse(bad).is_err(), "{bad}");
        }
        // The neutral element: it would verify signatures that nobody made.
        let weak = format!("a:{}", STANDARD.encode([1u8, 0].repeat(16)));
        let mut neutral = [0u8; 32];
        neutral[0] = 1;
        let neutral = format!("a:{}", STANDARD.encode(neutral));
        assert!(neutral.parse::<PublicKey>().is_err(), "{weak}");
    }
}
