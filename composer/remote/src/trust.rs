//! Whom to believe: statements are weighed against trusted keys and a threshold.
//!
//! The set of caches calls it with everything it heard of one action. Invariant: an answer is
//! believed only if `threshold` different trusted keys signed exactly it and no trusted key
//! signed something else beside it; whatever is not used is named in a [`Refusal`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use xsc_model::{ActionId, Digest, OutputName, Realisation, TreeId};

use crate::{InvalidKey, KeyName, PublicKey, SignedStatement};

/// Whose statements count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust {
    keys: Vec<PublicKey>,
    threshold: usize,
}

/// A `[trust]` table that cannot be meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// One of the keys is none.
    #[error(transparent)]
    Key(#[from] InvalidKey),
    /// Two different keys have one name.
    #[error("two keys have the name `{name}`: a statement says only the name of its key")]
    SameName {
        /// The name.
        name: KeyName,
    },
    /// More keys must agree than there are.
    #[error("{threshold} keys must agree, and {keys} are trusted: nothing would ever be used")]
    Threshold {
        /// How many must agree.
        threshold: usize,
        /// How many there are.
        keys: usize,
    },
}

impl Trust {
    /// Nobody but this machine is believed.
    pub fn nobody() -> Trust {
        Trust {
            keys: Vec::new(),
            threshold: 1,
        }
    }

    /// From the texts of keys and the number of them that must agree.
    pub fn new(keys: &[&str], threshold: usize) -> Result<Trust, TrustError> {
        let keys: Vec<PublicKey> = keys
            .iter()
            .map(|key| key.parse())
            .collect::<Result<_, _>>()?;
        let mut names = BTreeSet::new();
        if let Some(twice) = keys.iter().find(|key| !names.insert(key.name())) {
            return Err(TrustError::SameName {
                name: twice.name().clone(),
            });
        }
        if threshold == 0 || (threshold > keys.len() && !keys.is_empty()) {
            return Err(TrustError::Threshold {
                threshold,
                keys: keys.len(),
            });
        }
        Ok(Trust { keys, threshold })
    }

    /// The keys that count.
    pub fn keys(&self) -> &[PublicKey] {
        &self.keys
    }

    /// The key of a statement, if it is trusted and signed it.
    pub fn key_of(&self, signed: &SignedStatement) -> Option<&PublicKey> {
        let key = self.keys.iter().find(|key| key.name() == signed.key())?;
        signed.verify(key).then_some(key)
    }
}

/// What one source says of an action.
#[derive(Debug, Clone, Copy)]
pub struct Heard<'a> {
    /// Who passed it on: an endpoint's name, or the local log.
    pub from: &'a str,
    /// The bytes.
    pub bytes: &'a [u8],
    /// Whether everything that this endpoint says is believed, whoever signed it.
    pub engine: bool,
}

/// An answer that is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Believed {
    /// What the action produced.
    pub realisation: Realisation,
    /// The log of one of those who say so.
    pub log: Option<(Digest, u64)>,
    /// Who says so; empty where an endpoint is believed for itself.
    pub keys: Vec<KeyName>,
}

/// A statement, or several, that are not used, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refusal {
    /// Who passed it on.
    pub from: String,
    /// The action that was asked about.
    pub action: ActionId,
    /// Why.
    pub reason: Reason,
}

/// Why a statement is not used.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The bytes are no statement.
    Malformed(String),
    /// It is about another action: an old one, replayed in the place of this one.
    OtherAction {
        /// The key that it names.
        key: KeyName,
        /// What it is about.
        about: ActionId,
    },
    /// Its key is not trusted.
    UnknownKey(KeyName),
    /// It names a trusted key, which did not sign it.
    BadSignature(KeyName),
    /// One key signed two answers.
    TwoAnswers(KeyName),
    /// Keys that are trusted say different things.
    Disagreement(Vec<KeyName>),
    /// Too few trusted keys say so.
    TooFew {
        /// How many agree.
        agree: usize,
        /// How many must.
        threshold: usize,
    },
}

impl Reason {
    /// What repeats from action to action is told once: the same key, the same reason.
    pub(crate) fn once(&self) -> Option<String> {
        match self {
            Reason::UnknownKey(key) => Some(format!("unknown {key}")),
            Reason::TooFew { .. } => Some("few".to_owned()),
            _ => None,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Refusal {
            from,
            action,
            reason,
        } = self;
        let action = action.short();
        match reason {
            Reason::Malformed(problem) => {
                write!(
                    f,
                    "{from}: what it has for action {action} is no statement: {problem}; not used"
                )
            }
            Reason::OtherAction { key, about } => write!(
                f,
                "{from}: replayed: asked about action {action} it gives a statement of `{key}` about action {}; not used",
                about.short()
            ),
            Reason::UnknownKey(key) => write!(
                f,
                "{from}: statements signed with `{key}` are not used: [trust] does not name that key"
            ),
            Reason::BadSignature(key) => write!(
                f,
                "{from}: forged: the statement about action {action} names the key `{key}`, which did not sign it; not used"
            ),
            Reason::TwoAnswers(key) => write!(
                f,
                "{from}: `{key}` signed two different answers about action {action}; neither is used"
            ),
            Reason::Disagreement(keys) => {
                let keys: Vec<&str> = keys.iter().map(KeyName::as_str).collect();
                write!(
                    f,
                    "trusted keys say different things about action {action} ({}); none is used",
                    keys.join(", ")
                )
            }
            Reason::TooFew { agree, threshold } => write!(
                f,
                "{from}: {agree} of the {threshold} keys that must agree signed the answer about action {action}; such answers are not used"
            ),
        }
    }
}

/// What weighing gave.
#[derive(Debug, Default)]
pub(crate) struct Weighed {
    /// The answer, if one is believed.
    pub(crate) believed: Option<Believed>,
    /// What is not used.
    pub(crate) refused: Vec<Refusal>,
    /// Statements that trusted keys did sign, used or not.
    pub(crate) verified: Vec<SignedStatement>,
}

type Outputs = BTreeMap<OutputName, TreeId>;

impl Trust {
    /// Weighs everything that was heard of `action`, whose outputs have these names.
    pub(crate) fn weigh(&self, action: &ActionId, heard: &[Heard<'_>]) -> Weighed {
        let mut weighed = Weighed::default();
        let mut answers: BTreeMap<KeyName, Vec<(&str, SignedStatement)>> = BTreeMap::new();
        let mut engines: Vec<SignedStatement> = Vec::new();
        for said in heard {
            match self.read(action, said) {
                Ok(signed) if self.key_of(&signed).is_some() => {
                    let of_key = answers.entry(signed.key().clone()).or_default();
                    if !of_key.iter().any(|(_, known)| *known == signed) {
                        weighed.verified.push(signed.clone());
                        of_key.push((said.from, signed));
                    }
                }
                Ok(signed) => engines.push(signed),
                Err(reason) => weighed.refuse(said.from, action, reason),
            }
        }
        // Who says two things is not heard at all.
        let mut groups: BTreeMap<Outputs, Vec<&SignedStatement>> = BTreeMap::new();
        let mut from = "";
        for (key, said) in &answers {
            let outputs = |signed: &SignedStatement| signed.statement().outputs.clone();
            let (_, first) = &said[0];
            match said
                .iter()
                .find(|(_, other)| outputs(other) != outputs(first))
            {
                Some((from, _)) => weighed.refuse(from, action, Reason::TwoAnswers(key.clone())),
                None => {
                    from = said[0].0;
                    groups.entry(outputs(first)).or_default().push(first);
                }
            }
        }
        let enough: Vec<&Vec<&SignedStatement>> = groups
            .values()
            .filter(|group| group.len() >= self.threshold)
            .collect();
        match (enough.as_slice(), engines.first()) {
            ([group], _) => {
                weighed.believed = Some(believed(group[0], group));
            }
            ([], Some(engine)) => weighed.believed = Some(believed(engine, &[])),
            ([], None) => {
                if let Some(agree) = groups.values().map(Vec::len).max() {
                    let threshold = self.threshold;
                    let reason = Reason::TooFew { agree, threshold };
                    weighed.refuse(from, action, reason);
                }
            }
            _ => {
                let keys = enough.iter().flat_map(|group| group.iter());
                let keys = keys.map(|signed| signed.key().clone()).collect();
                weighed.refuse(from, action, Reason::Disagreement(keys));
            }
        }
        weighed
    }

    /// Reads one statement: verified, or of an endpoint that is believed for itself.
    fn read(&self, action: &ActionId, said: &Heard<'_>) -> Result<SignedStatement, Reason> {
        let signed = SignedStatement::parse(said.bytes)
            .map_err(|error| Reason::Malformed(error.to_string()))?;
        let key = signed.key().clone();
        let known = self.keys.iter().find(|known| *known.name() == key);
        match known {
            Some(known) if !signed.verify(known) => return Err(Reason::BadSignature(key)),
            None if !said.engine => return Err(Reason::UnknownKey(key)),
            _ => {}
        }
        match signed.statement().action == *action {
            true => Ok(signed),
            false => Err(Reason::OtherAction {
                key,
                about: signed.statement().action,
            }),
        }
    }
}

impl Weighed {
    fn refuse(&mut self, from: &str, action: &ActionId, reason: Reason) {
        self.refused.push(Refusal {
            from: from.to_owned(),
            action: *action,
            reason,
        });
    }
}

fn believed(first: &SignedStatement, group: &[&SignedStatement]) -> Believed {
    let statement = first.statement();
    Believed {
        realisation: Realisation {
            action: statement.action,
            outputs: statement.outputs.clone(),
            isolation: statement.isolation.clone(),
        },
        log: group
            .iter()
            .find_map(|signed| signed.statement().log)
            .or(statement.log),
        keys: group.iter().map(|signed| signed.key().clone()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SecretKey, Statement};

    fn key(name: &str, seed: u8) -> SecretKey {
        SecretKey::from_seed(KeyName::new(name).unwrap(), [seed; 32])
    }

    fn trust(keys: &[&SecretKey], threshold: usize) -> Trust {
        let texts: Vec<String> = keys.iter().map(|key| key.public().to_string()).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        Trust::new(&texts, threshold).unwrap()
    }

    fn action(name: &str) -> ActionId {
        ActionId(Digest::of(name.as_bytes()))
    }

    fn said(key: &SecretKey, about: &str, output: &str) -> Vec<u8> {
        let tree = TreeId(Digest::of(output.as_bytes()));
        let statement = Statement {
            action: action(about),
            outputs: BTreeMap::from([(OutputName::out(), tree)]),
            isolation: Vec::new(),
            log: None,
            builder: "here".to_owned(),
            time: 1,
        };
        key.sign(statement).to_bytes()
    }

    /// What is believed of `act`, and the reasons of what is not used.
    fn weigh(trust: &Trust, heard: &[&[u8]]) -> (Option<TreeId>, Vec<Reason>) {
        let heard: Vec<Heard<'_>> = heard
            .iter()
            .map(|bytes| Heard {
                from: "cache",
                bytes,
                engine: false,
            })
            .collect();
        let weighed = trust.weigh(&action("act"), &heard);
        let out = weighed
            .believed
            .map(|b| b.realisation.outputs[&OutputName::out()]);
        let reasons = weighed.refused.into_iter().map(|r| r.reason).collect();
        (out, reasons)
    }

    fn tree(name: &str) -> Option<TreeId> {
        Some(TreeId(Digest::of(name.as_bytes())))
    }

    #[test]
    fn a_trusted_key_is_believed_and_no_other() {
        let (ci, evil) = (key("ci", 1), key("evil", 2));
        let trust = trust(&[&ci], 1);
        assert_eq!(
            weigh(&trust, &[&said(&ci, "act", "good")]),
            (tree("good"), vec![])
        );
        let (good, bad) = (said(&ci, "act", "good"), said(&evil, "act", "bad"));
        let unknown = Reason::UnknownKey(KeyName::new("evil").unwrap());
        assert_eq!(weigh(&trust, &[&bad]), (None, vec![unknown.clone()]));
        assert_eq!(weigh(&trust, &[&bad, &good]), (tree("good"), vec![unknown]));
        assert_eq!(weigh(&Trust::nobody(), &[&good]).0, None);
    }

    #[test]
    fn a_forged_a_replayed_and_a_broken_statement_are_refused_by_name() {
        let ci = key("ci", 1);
        let name = KeyName::new("ci").unwrap();
        let trust = trust(&[&ci], 1);
        // Somebody else's key with the name of the trusted one.
        let forged = said(&key("ci", 9), "act", "bad");
        assert_eq!(
            weigh(&trust, &[&forged]),
            (None, vec![Reason::BadSignature(name.clone())])
        );
        let replayed = said(&ci, "old", "old");
        assert_eq!(
            weigh(&trust, &[&replayed]),
            (
                None,
                vec![Reason::OtherAction {
                    key: name,
                    about: action("old")
                }]
            )
        );
        let (out, reasons) = weigh(&trust, &[b"xsc-statement-1\n"]);
        assert_eq!(out, None);
        assert!(matches!(reasons.as_slice(), [Reason::Malformed(_)]));
    }

    #[test]
    fn as_many_keys_as_the_threshold_must_agree() {
        let (a, b, c) = (key("a", 1), key("b", 2), key("c", 3));
        let trust = trust(&[&a, &b, &c], 2);
        let (of_a, of_b) = (said(&a, "act", "good"), said(&b, "act", "good"));
        let of_c = said(&c, "act", "other");
        let few = Reason::TooFew {
            agree: 1,
            threshold: 2,
        };
        assert_eq!(weigh(&trust, &[&of_a]), (None, vec![few.clone()]));
        // The same statement from two caches is one key's.
        assert_eq!(weigh(&trust, &[&of_a, &of_a]), (None, vec![few.clone()]));
        assert_eq!(weigh(&trust, &[&of_a, &of_c]), (None, vec![few]));
        assert_eq!(weigh(&trust, &[&of_a, &of_b]).0, tree("good"));
        assert_eq!(weigh(&trust, &[&of_a, &of_c, &of_b]).0, tree("good"));
    }

    #[test]
    fn who_says_two_things_is_not_heard() {
        let (a, b) = (key("a", 1), key("b", 2));
        let trust = trust(&[&a, &b], 1);
        let (one, two) = (said(&a, "act", "one"), said(&a, "act", "two"));
        let twice = Reason::TwoAnswers(KeyName::new("a").unwrap());
        assert_eq!(weigh(&trust, &[&one, &two]), (None, vec![twice.clone()]));
        let of_b = said(&b, "act", "two");
        assert_eq!(
            weigh(&trust, &[&one, &two, &of_b]),
            (tree("two"), vec![twice])
        );
        let (out, reasons) = weigh(&trust, &[&one, &of_b]);
        assert_eq!(out, None, "trusted keys disagree");
        assert!(matches!(reasons.as_slice(), [Reason::Disagreement(_)]));
    }

    #[test]
    fn an_engine_that_is_trusted_needs_no_known_key() {
        let bytes = said(&key("engine", 4), "act", "made");
        let heard = |bytes, engine| Heard {
            from: "farm",
            bytes,
            engine,
        };
        let nobody = Trust::nobody();
        let weighed = nobody.weigh(&action("act"), &[heard(&bytes, true)]);
        assert!(weighed.believed.is_some());
        let other = said(&key("engine", 4), "old", "made");
        let weighed = nobody.weigh(&action("act"), &[heard(&other, true)]);
        assert!(weighed.believed.is_none(), "still about another action");
        // A forged statement of a key that we know is refused even there.
        let ci = key("ci", 1);
        let forged = said(&key("ci", 9), "act", "bad");
        let weighed = trust(&[&ci], 1).weigh(&action("act"), &[heard(&forged, true)]);
        assert!(weighed.believed.is_none());
    }

    #[test]
    fn a_table_that_cannot_be_meant_is_refused() {
        let (a, b) = (
            key("a", 1).public().to_string(),
            key("a", 2).public().to_string(),
        );
        assert!(matches!(
            Trust::new(&[&a, &b], 1),
            Err(TrustError::SameName { .. })
        ));
        for threshold in [0, 2] {
            let error = Trust::new(&[&a], threshold);
            assert!(matches!(error, Err(TrustError::Threshold { .. })));
        }
        assert!(matches!(Trust::new(&["a:b"], 1), Err(TrustError::Key(_))));
    }
}
