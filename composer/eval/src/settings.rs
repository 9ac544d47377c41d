//! What a host may allow beyond the pure core of the language: features, search path, home, system, store.
//!
//! Set through `Builder`, read by lowering and builtins. Invariant: the default allows nothing, and then
//! each of these is an error that says what to write instead.

use std::collections::BTreeSet;
use std::rc::Rc;

use crate::evaluator::Builder;
use crate::store::{NoStore, Store};

/// A part of the language that is off unless a host or user asks for it by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Feature {
    /// `a |> f` and `f <| a`.
    PipeOperators,
    /// `fromTOML` returns dates and times as `{ _type = "timestamp"; value; }`.
    ParseTomlTimestamps,
    /// URLs without quotes are errors.
    NoUrlLiterals,
}

impl Feature {
    /// All of them.
    pub const ALL: [Feature; 3] = [
        Feature::PipeOperators,
        Feature::ParseTomlTimestamps,
        Feature::NoUrlLiterals,
    ];

    /// The name, as Nix spells it.
    pub fn name(self) -> &'static str {
        match self {
            Feature::PipeOperators => "pipe-operators",
            Feature::ParseTomlTimestamps => "parse-toml-timestamps",
            Feature::NoUrlLiterals => "no-url-literals",
        }
    }

    /// The feature of that name.
    pub fn from_name(name: &str) -> Option<Feature> {
        Feature::ALL
            .into_iter()
            .find(|feature| feature.name() == name)
    }
}

/// Where `<PREFIX/x>` is looked for. An empty prefix looks for all of `x` below the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SearchEntry {
    pub(crate) prefix: Box<str>,
    pub(crate) path: Box<str>,
}

pub(crate) struct Settings {
    features: BTreeSet<Feature>,
    home: Option<Box<str>>,
    pub(crate) system: Option<Box<str>>,
    /// What `builtins.nixPath` lists.
    pub(crate) search_path: Vec<SearchEntry>,
    /// Looked at when nothing else has the name.
    pub(crate) search_defaults: Vec<SearchEntry>,
    pub(crate) store: Rc<dyn Store>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            features: BTreeSet::new(),
            home: None,
            system: None,
            search_path: Vec::new(),
            search_defaults: Vec::new(),
            store: Rc::new(NoStore),
        }
    }
}

impl Settings {
    pub(crate) fn has(&self, feature: Feature) -> bool {
        self.features.contains(&feature)
    }

    pub(crate) fn home(&self) -> Option<&str> {
        self.home.as_deref()
    }

    pub(crate) fn has_search_path(&self) -> bool {
        !self.search_path.is_empty() || !self.search_defaults.is_empty()
    }
}

impl Builder {
    /// Switches a feature on.
    #[must_use]
    pub fn feature(mut self, feature: Feature) -> Builder {
        self.settings().features.insert(feature);
        self
    }

    /// Sets what `~` is in paths: an absolute path of the language. Without it such paths fail.
    #[must_use]
    pub fn home(mut self, path: &str) -> Builder {
        self.settings().home = Some(path.into());
        self
    }

    /// Sets `builtins.currentSystem`. Without it, using that fails.
    #[must_use]
    pub fn current_system(mut self, system: &str) -> Builder {
        self.settings().system = Some(system.into());
        self
    }

    /// Appends to `builtins.nixPath`: `<PREFIX/x>` is `PATH/x`; with an empty prefix `<x>` is. `path` is an
    /// absolute path of the language. Without any entry, `<x>` fails.
    #[must_use]
    pub fn search_path(mut self, prefix: &str, path: &str) -> Builder {
        let (prefix, path) = (prefix.into(), path.into());
        self.settings()
            .search_path
            .push(SearchEntry { prefix, path });
        self
    }

    /// Like [`Builder::search_path`], but found last and not listed in `builtins.nixPath`.
    #[must_use]
    pub fn search_default(mut self, prefix: &str, path: &str) -> Builder {
        let (prefix, path) = (prefix.into(), path.into());
        self.settings()
            .search_defaults
            .push(SearchEntry { prefix, path });
        self
    }

    /// Sets where `builtins.path`, `toFile` and the fetchers put what they name. Without it they fail.
    #[must_use]
    pub fn store(mut self, store: impl Store + 'static) -> Builder {
        self.settings().store = Rc::new(store);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_found_by_name() {
        for feature in Feature::ALL {
            assert_eq!(Feature::from_name(feature.name()), Some(feature));
        }
        assert_eq!(Feature::from_name("flakes"), None);
    }
}
