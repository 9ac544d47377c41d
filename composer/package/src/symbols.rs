//! The `symbols` and `shlibs` files of a library's package: which of its versions a user of it needs.
//!
//! Used by `dependencies`. Invariant: what these files say is taken as the lower bound that the library's maintainer
//! vouches for; a line that is not understood raises the bound to the library's own version, never lowers it.

use std::collections::BTreeMap;

/// Minimal versions by symbol version, of one library.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LibrarySymbols {
    /// Symbol version (`GLIBC_2.38`) to the highest minimal version of its symbols.
    pub(crate) by_version: BTreeMap<String, String>,
}

/// Reads a `symbols` file: by library, for each symbol version the minimal package version.
pub(crate) fn parse_symbols(text: &str) -> BTreeMap<String, LibrarySymbols> {
    let mut libraries: BTreeMap<String, LibrarySymbols> = BTreeMap::new();
    let mut current: Option<String> = None;
    for line in text.lines() {
        if let Some(symbol) = line.strip_prefix(' ') {
            let mut words = symbol.split_whitespace();
            let (Some(name), Some(minimal), Some(library)) = (words.next(), words.next(), &current)
            else {
                continue;
            };
            let version = name.rsplit_once('@').map_or("Base", |(_, version)| version);
            let library = libraries.entry(library.clone()).or_default();
            let known = library.by_version.entry(version.to_owned()).or_default();
            if known.is_empty()
                || xsc_fetch::compare_versions(known, minimal) == std::cmp::Ordering::Less
            {
                *known = minimal.to_owned();
            }
        } else if !line.starts_with(['|', '*', '#']) {
            current = line.split_whitespace().next().map(str::to_owned);
        }
    }
    libraries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_archives_form() {
        let text = "libz.so.1 zlib1g #MINVER#\n| libz2 #MINVER#\n* Build-Depends-Package: zlib1g-dev\n \
                    ZLIB_1.2.0@ZLIB_1.2.0 1:1.2.0\n a@ZLIB_1.2.0 1:1.2.9 1\n b@Base 1:1.1.4\nlibo.so.2 o #MINVER#\n c@O 3\n";
        let found = parse_symbols(text);
        assert_eq!(found["libz.so.1"].by_version["ZLIB_1.2.0"], "1:1.2.9");
        assert_eq!(found["libz.so.1"].by_version["Base"], "1:1.1.4");
        assert_eq!(found["libo.so.2"].by_version["O"], "3");
    }
}
