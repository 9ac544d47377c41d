//! Turns `mirror://NAME/path` into addresses that can be fetched.
//!
//! Built once by the command line from configuration, environment and apt sources; used by every download.
//! Invariant: no address of a registry is known here. A mirror that nobody names is an error that says how to
//! name it. The first of configuration, environment and apt sources that names a mirror is the only one used,
//! so a private mirror is never bypassed.

use std::collections::BTreeMap;

use xsc_profile::{Mirror, MirrorFrom};

/// Addresses of mirrors, by name.
#[derive(Debug, Clone, Default)]
pub struct Mirrors {
    addresses: BTreeMap<String, Vec<String>>,
    apt_match: BTreeMap<String, String>,
}

/// A `mirror://` address that can't be resolved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MirrorError {
    /// Nothing names the mirror.
    #[error(
        "no address is known for the mirror `{name}`: set it in the configuration file \
         (`[mirrors] {name} = \"...\"`), or set {variable}{apt}"
    )]
    Unknown {
        /// The mirror's name.
        name: String,
        /// The environment variable that would name it.
        variable: String,
        /// The third way, where there is one: starts with a comma.
        apt: String,
    },
    /// The address is not `mirror://NAME/path`.
    #[error("`{url}` is not of the form mirror://NAME/path")]
    Malformed {
        /// The address.
        url: String,
    },
}

/// Returns the name of the environment variable that names a mirror: `XSC_MIRROR_DEBIAN_SECURITY`.
pub fn mirror_variable(name: &str) -> String {
    let upper = name.chars().map(|c| match c {
        c if c.is_ascii_alphanumeric() => c.to_ascii_uppercase(),
        _ => '_',
    });
    format!("XSC_MIRROR_{}", upper.collect::<String>())
}

impl Mirrors {
    /// Resolves every declared mirror.
    ///
    /// `configured` comes from the configuration file. `variable` looks up an environment variable, whose value
    /// is one or more addresses with white space between. `apt` is what `read_apt_sources` found.
    pub fn new(
        declared: &BTreeMap<String, Mirror>,
        configured: &BTreeMap<String, Vec<String>>,
        variable: impl Fn(&str) -> Option<String>,
        apt: &[String],
    ) -> Mirrors {
        let mut mirrors = Mirrors::default();
        for (name, mirror) in declared {
            let from_variable = || {
                let value = variable(&mirror_variable(name))?;
                let list: Vec<String> = value.split_whitespace().map(str::to_owned).collect();
                (!list.is_empty()).then_some(list)
            };
            let from_apt = || match &mirror.from {
                MirrorFrom::Apt { matches } => {
                    let list = apt.iter().filter(|a| last_component(a) == matches);
                    Some(list.cloned().collect())
                }
                MirrorFrom::Configuration => None,
            };
            let list: Option<Vec<String>> = configured
                .get(name)
                .cloned()
                .or_else(from_variable)
                .or_else(from_apt);
            if let MirrorFrom::Apt { matches } = &mirror.from {
                mirrors.apt_match.insert(name.clone(), matches.clone());
            }
            mirrors.set(name, list.unwrap_or_default());
        }
        for (name, list) in configured {
            if !declared.contains_key(name) {
                mirrors.set(name, list.clone());
            }
        }
        mirrors
    }

    /// Names the addresses of one mirror, in place of any it had.
    pub fn set(&mut self, name: &str, addresses: Vec<String>) {
        let trimmed = addresses.iter().map(|a| a.trim_end_matches('/').to_owned());
        self.addresses.insert(name.to_owned(), trimmed.collect());
    }

    /// Returns the addresses to try for `url`, at least one; an address of another scheme is returned as it is.
    ///
    /// # Errors
    /// The mirror is not known, or the address has no path.
    pub fn resolve(&self, url: &str) -> Result<Vec<String>, MirrorError> {
        let Some(rest) = url.strip_prefix("mirror://") else {
            return Ok(vec![url.to_owned()]);
        };
        let split = rest
            .split_once('/')
            .filter(|(n, p)| !n.is_empty() && !p.is_empty());
        let (name, path) = split.ok_or_else(|| MirrorError::Malformed {
            url: url.to_owned(),
        })?;
        let addresses = self.addresses.get(name).filter(|list| !list.is_empty());
        let addresses = addresses.ok_or_else(|| MirrorError::Unknown {
            name: name.to_owned(),
            variable: mirror_variable(name),
            apt: match self.apt_match.get(name) {
                Some(matches) => {
                    format!(", or give the host an apt source whose address ends in /{matches}")
                }
                None => ", or declare it with `from = \"apt\"` in flake-like.toml".to_owned(),
            },
        })?;
        Ok(addresses.iter().map(|a| format!("{a}/{path}")).collect())
    }
}

fn last_component(address: &str) -> &str {
    let address = address.trim_end_matches('/');
    address.rsplit('/').next().unwrap_or(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared() -> BTreeMap<String, Mirror> {
        let apt = |matches: &str| Mirror {
            line: 1,
            from: MirrorFrom::Apt {
                matches: matches.to_owned(),
            },
            snapshot: None,
        };
        BTreeMap::from([
            ("debian".to_owned(), apt("debian")),
            ("debian-security".to_owned(), apt("debian-security")),
            (
                "cache".to_owned(),
                Mirror {
                    line: 2,
                    from: MirrorFrom::Configuration,
                    snapshot: None,
                },
            ),
        ])
    }

    fn none(_: &str) -> Option<String> {
        None
    }

    #[test]
    fn apt_source_is_chosen_by_its_last_component() {
        let apt = [
            "http://a.example/debian".to_owned(),
            "http://a.example/debian-security".to_owned(),
            "http://b.example/mirrors/debian".to_owned(),
        ];
        let mirrors = Mirrors::new(&declared(), &BTreeMap::new(), none, &apt);
        assert_eq!(
            mirrors.resolve("mirror://debian/pool/x.deb"),
            Ok(vec![
                "http://a.example/debian/pool/x.deb".to_owned(),
                "http://b.example/mirrors/debian/pool/x.deb".to_owned()
            ])
        );
        assert_eq!(
            mirrors.resolve("mirror://debian-security/x"),
            Ok(vec!["http://a.example/debian-security/x".to_owned()])
        );
    }

    #[test]
    fn configuration_beats_variable_beats_apt() {
        let apt = ["http://apt.example/debian".to_owned()];
        let variable = |name: &str| {
            (name == "XSC_MIRROR_DEBIAN").then(|| " http://v.example/d/ http://w.example ".into())
        };
        let mirrors = Mirrors::new(&declared(), &BTreeMap::new(), variable, &apt);
        assert_eq!(
            mirrors.resolve("mirror://debian/x"),
            Ok(vec![
                "http://v.example/d/x".to_owned(),
                "http://w.example/x".to_owned()
            ])
        );
        let configured = BTreeMap::from([("debian".to_owned(), vec!["file:///srv/d".to_owned()])]);
        let mirrors = Mirrors::new(&declared(), &configured, variable, &apt);
        assert_eq!(
            mirrors.resolve("mirror://debian/x"),
            Ok(vec!["file:///srv/d/x".to_owned()])
        );
    }

    #[test]
    fn an_unknown_mirror_names_the_three_ways() {
        let mirrors = Mirrors::new(&declared(), &BTreeMap::new(), none, &[]);
        let message = mirrors
            .resolve("mirror://debian-security/x")
            .unwrap_err()
            .to_string();
        assert_eq!(
            message,
            "no address is known for the mirror `debian-security`: set it in the configuration file \
             (`[mirrors] debian-security = \"...\"`), or set XSC_MIRROR_DEBIAN_SECURITY, or give the \
             host an apt source whose address ends in /debian-security"
        );
        assert!(mirrors.resolve("mirror://cache/sha256/0").is_err());
        assert!(matches!(
            mirrors.resolve("mirror://debian"),
            Err(MirrorError::Malformed { .. })
        ));
        assert_eq!(mirrors.resolve("https://x.example/y").unwrap().len(), 1);
    }
}
