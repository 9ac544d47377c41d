//! What is known of an engine before it is asked anything: its address, and how patient to be.
//!
//! The command line makes one of each `[remote.NAME]` table. Invariant: no field changes what a
//! build produces; properties only choose where it runs.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use xsc_model::System;

use super::digest::DigestFunction;

/// An engine's address and how to talk to it.
#[derive(Clone)]
pub struct EndpointSettings {
    /// What messages call it.
    pub name: String,
    /// `grpc://HOST:PORT`, or `grpcs://HOST:PORT` with TLS.
    pub url: String,
    /// The instance name, empty for the engine's default.
    pub instance: String,
    /// The digest function; negotiated where there is none: BLAKE3 if offered, else SHA-256.
    pub digest: Option<DigestFunction>,
    /// A bearer token, sent with every request.
    pub token: Option<String>,
    /// Certificates (PEM) that vouch for the engine beside those of this machine.
    pub certificates: Option<Vec<u8>>,
    /// What kind of engine it is.
    pub profile: EngineProfile,
    /// Properties that the profile does not give, or gives otherwise.
    pub properties: Vec<(String, String)>,
    /// Whether results that the engine remembers are believed without a signature.
    pub trust_engine: bool,
    /// How long to wait.
    pub patience: Patience,
    /// What is known of it not answering; clients of one endpoint share it.
    pub breaker: Breaker,
}

/// Whether an endpoint is known not to answer. Clones share what they know.
#[derive(Debug, Clone, Default)]
pub struct Breaker(Arc<OnceLock<String>>);

impl Breaker {
    /// Why the endpoint is not asked any more, if so.
    pub fn open(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }

    /// From now on it is not asked; the first reason stays.
    pub(crate) fn trip(&self, problem: String) -> &str {
        self.0.get_or_init(|| problem)
    }
}

impl std::fmt::Debug for EndpointSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The token is nobody's to read in a log.
        write!(f, "endpoint {} {}", self.name, self.url)
    }
}

impl EndpointSettings {
    /// An endpoint with nothing but a name and an address.
    pub fn new(name: impl Into<String>, url: impl Into<String>) -> EndpointSettings {
        EndpointSettings {
            name: name.into(),
            url: url.into(),
            instance: String::new(),
            digest: None,
            token: None,
            certificates: None,
            profile: EngineProfile::Plain,
            properties: Vec::new(),
            trust_engine: false,
            patience: Patience::default(),
            breaker: Breaker::default(),
        }
    }

    /// The platform properties of an action for `system`, sorted by name as the protocol wants.
    /// Never `network`: an engine that knows it gives the host's network.
    pub(crate) fn platform(&self, system: System) -> Vec<(String, String)> {
        let isa = match system {
            System::X86_64Linux => "x86-64",
            System::Aarch64Linux => "aarch64",
        };
        let own: &[(&str, &str)] = match self.profile {
            // Its sandbox maps the worker to root, and a nested one cannot be mapped from root.
            EngineProfile::Buildbox => &[("unixGID", "1000"), ("unixUID", "1000")],
            EngineProfile::Plain | EngineProfile::NativeLink | EngineProfile::Buildbarn => &[],
        };
        let general: &[(&str, &str)] = match self.profile {
            EngineProfile::Plain => &[],
            _ => &[("ISA", isa), ("OSFamily", "linux")],
        };
        let mut properties: std::collections::BTreeMap<String, String> = general
            .iter()
            .chain(own)
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        properties.extend(self.properties.iter().cloned());
        properties.remove("network");
        properties.into_iter().collect()
    }
}

/// Kinds of engine, by the properties that their workers are chosen with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineProfile {
    /// No properties.
    Plain,
    /// buildbox-casd, or BuildGrid with buildbox workers.
    Buildbox,
    /// NativeLink.
    NativeLink,
    /// Buildbarn.
    Buildbarn,
}

impl EngineProfile {
    /// Every profile with its name in configuration.
    pub const ALL: [(&'static str, EngineProfile); 4] = [
        ("plain", EngineProfile::Plain),
        ("buildbox", EngineProfile::Buildbox),
        ("nativelink", EngineProfile::NativeLink),
        ("buildbarn", EngineProfile::Buildbarn),
    ];
}

/// How long to wait for what.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// To connect and hear what the engine can do.
    pub connect: Duration,
    /// For one small request, and for a transfer to move.
    pub request: Duration,
    /// For an action to be taken up by a worker.
    pub queue: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Patience {
            connect: Duration::from_secs(2),
            request: Duration::from_secs(15),
            queue: Duration::from_secs(600),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_says_the_properties_and_network_is_never_one() {
        let mut endpoint = EndpointSettings::new("farm", "grpc://farm:1");
        assert!(endpoint.platform(System::X86_64Linux).is_empty());
        endpoint.profile = EngineProfile::Buildbox;
        endpoint.properties = vec![
            ("network".to_owned(), "on".to_owned()),
            ("pool".to_owned(), "big".to_owned()),
        ];
        let found = endpoint.platform(System::Aarch64Linux);
        let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["ISA", "OSFamily", "pool", "unixGID", "unixUID"]);
        assert_eq!(found[0].1, "aarch64");
    }

    #[test]
    fn a_token_is_not_shown() {
        let mut endpoint = EndpointSettings::new("farm", "grpc://farm:1");
        endpoint.token = Some("secret".to_owned());
        assert!(!format!("{endpoint:?}").contains("secret"));
    }
}
