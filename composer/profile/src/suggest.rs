//! "Did you mean": the nearest known name to one that is not known.
//!
//! Called by the TOML reader for keys and values, and by `xsc-fetch` for package names.
//! Invariant: the answer depends only on the set of candidates, not on their order.

/// Returns the candidate nearest to `word`, if one is near enough to be a likely typing error.
///
/// Nearness is the edit distance with transpositions (optimal string alignment); more than a third of the
/// word's length is not near. Ties go to the candidate that sorts first.
pub fn closest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let limit = (word.chars().count() / 3).max(1);
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let far = candidate.len().abs_diff(word.len()) > limit * 4;
        if far || candidate == word {
            continue;
        }
        let distance = strsim::osa_distance(word, candidate);
        if distance <= limit && best.is_none_or(|b| (distance, candidate) < b) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::closest;

    #[test]
    fn finds_typing_errors_only() {
        let keys = ["name", "variant", "system", "description"];
        assert_eq!(closest("varient", keys), Some("variant"));
        assert_eq!(closest("sytsem", keys), Some("system"));
        assert_eq!(closest("descripton", keys), Some("description"));
        assert_eq!(closest("colour", keys), None);
        assert_eq!(closest("", keys), None);
    }

    #[test]
    fn ties_do_not_depend_on_order() {
        assert_eq!(closest("gcx", ["gcc", "gcb"]), Some("gcb"));
        assert_eq!(closest("gcx", ["gcb", "gcc"]), Some("gcb"));
    }
}
