//! Did you mean: which of the known names looks like the one that was written.
//!
//! Used by errors of the interpreter, of lowering, of hosts, and by `builtins.similarNames`. Invariant:
//! the order depends on the names alone, so the same error always has the same text.

/// The names among `candidates` that look most like `name`, best first, at most three.
pub(crate) fn similar<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let length = name.chars().count();
    // One letter is too little to be similar to anything.
    if length < 2 {
        return Vec::new();
    }
    let folded = fold(name);
    let allowed = (length / 3).max(1);
    let distance = |candidate: &str| {
        if fold(candidate) == folded {
            return Some(0);
        }
        let distance = strsim::damerau_levenshtein(name, candidate);
        // Of two letters, one in common is no likeness.
        let alike = length > 2 || candidate.chars().count() != 2;
        (distance <= allowed && alike).then_some(distance)
    };
    let mut scored: Vec<(usize, &str)> = candidates
        .filter(|candidate| *candidate != name)
        .filter_map(|candidate| Some((distance(candidate)?, candidate)))
        .collect();
    scored.sort_unstable();
    scored.dedup();
    scored
        .into_iter()
        .take(3)
        .map(|(_, candidate)| candidate)
        .collect()
}

/// Names that differ only in case, `-` and `_` are nearly the same.
fn fold(name: &str) -> String {
    let letters = name.chars().filter(|c| !matches!(c, '-' | '_'));
    letters.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn similar_names_are_close_and_ordered() {
        let names = ["version", "versions", "src", "verison", "x"];
        assert_eq!(
            similar("verson", names.into_iter()),
            ["verison", "version", "versions"]
        );
        assert!(similar("name", names.into_iter()).is_empty());
        assert_eq!(
            similar("buildInputs", ["build-inputs"].into_iter()),
            ["build-inputs"]
        );
        assert!(similar("pi", ["pc", "x"].into_iter()).is_empty());
    }
}
