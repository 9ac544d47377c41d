//! The likely cause of a difference: by what is known of the two runs, else by what the two texts look like.
//!
//! `context` asks for every difference that a format does not explain by itself. Invariant: a known value counts
//! only when each side has its own, so that a cause is never named for what both sides share.

use std::fmt;

use chrono::{DateTime, Utc};

/// Why two builds of one recipe differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// The time of the build.
    TimeStamp,
    /// The directory of the build.
    BuildPath,
    /// The name of the host.
    HostName,
    /// The user or group that built.
    User,
    /// The mask of new files' modes.
    Umask,
    /// How many processors there were.
    Cpus,
    /// The order of a hash table or of a directory's listing, or of parallel work.
    Order,
    /// A random number or identifier.
    Random,
    /// It follows from other differences: a digest, an offset.
    Consequence,
}

impl Cause {
    /// What people call it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Cause::TimeStamp => "time stamp",
            Cause::BuildPath => "build path",
            Cause::HostName => "host name",
            Cause::User => "user or group",
            Cause::Umask => "creation mask",
            Cause::Cpus => "number of CPUs",
            Cause::Order => "order of hashes or listings",
            Cause::Random => "random number",
            Cause::Consequence => "follows from the content",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One value on each side.
pub type Pair<T> = Option<(T, T)>;

/// What is known of the two runs and differs between them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The wall clock, in seconds since the epoch.
    pub clock: Pair<i64>,
    /// The name of the host.
    pub host_name: Pair<String>,
    /// A word of the path of the build's directory; empty where none is known.
    pub path: Pair<String>,
    /// The user id.
    pub uid: Pair<u32>,
    /// The group id.
    pub gid: Pair<u32>,
    /// The creation mask.
    pub umask: Pair<u32>,
    /// The number of processors.
    pub cpus: Pair<usize>,
}

/// The cause that two texts show, if any.
pub(crate) fn cause_of(first: &str, second: &str, facts: &Facts) -> Option<Cause> {
    known(first, second, facts).or_else(|| by_looks(first, second))
}

/// By the values that the two runs had.
fn known(first: &str, second: &str, facts: &Facts) -> Option<Cause> {
    let has = |pair: &Option<(String, String)>| {
        pair.as_ref().is_some_and(|(a, b)| {
            let own = first.contains(a.as_str()) && second.contains(b.as_str());
            // One side may have no word of its own to look for.
            own && !(a.is_empty() && first.contains(b.as_str()))
        })
    };
    if has(&facts.host_name) {
        return Some(Cause::HostName);
    }
    if has(&facts.path) {
        return Some(Cause::BuildPath);
    }
    let words = |text: &str| -> Vec<String> {
        text.split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let (a, b) = (words(first), words(second));
    let word_pair = |x: &str, y: &str| {
        x != y && a.iter().any(|word| word == x) && b.iter().any(|word| word == y)
    };
    if let Some((x, y)) = facts.clock {
        let (x, y) = (spellings(x), spellings(y));
        if x.iter().zip(&y).any(|(x, y)| word_pair(x, y)) {
            return Some(Cause::TimeStamp);
        }
    }
    for (x, y) in [facts.uid, facts.gid].into_iter().flatten() {
        if word_pair(&x.to_string(), &y.to_string()) {
            return Some(Cause::User);
        }
    }
    if let Some((x, y)) = facts.umask
        && (word_pair(&format!("{x:04o}"), &format!("{y:04o}"))
            || word_pair(&format!("{x:o}"), &format!("{y:o}")))
    {
        return Some(Cause::Umask);
    }
    if let Some((x, y)) = facts.cpus
        && a.len() == b.len()
    {
        let mut changed = a.iter().zip(&b).filter(|(a, b)| a != b).peekable();
        let (x, y) = (x.to_string(), y.to_string());
        if changed.peek().is_some() && changed.all(|(a, b)| *a == x && *b == y) {
            return Some(Cause::Cpus);
        }
    }
    None
}

/// The words in which a time is written: seconds, milliseconds, hexadecimal, year, and dates without separators.
fn spellings(seconds: i64) -> Vec<String> {
    let mut words = vec![
        seconds.to_string(),
        format!("{seconds}000"),
        format!("{seconds:x}"),
        format!("{seconds:X}"),
        format!("{seconds:o}"),
    ];
    if let Some(time) = DateTime::<Utc>::from_timestamp(seconds, 0) {
        for format in [
            "%Y",
            "%Y%m%d",
            "%Y%m%d%H%M",
            "%Y%m%d%H%M%S",
            "%y%m%d",
            "%Y%j",
        ] {
            words.push(time.format(format).to_string());
        }
    }
    words
}

/// By what the texts look like.
fn by_looks(first: &str, second: &str) -> Option<Cause> {
    if first.is_empty() || second.is_empty() {
        return None;
    }
    let (a, b) = changed(first, second);
    if is_uuid(a) && is_uuid(b) {
        return Some(Cause::Random);
    }
    if [a, b].iter().all(|text| looks_like_time(text)) {
        return Some(Cause::TimeStamp);
    }
    let path = |text: &str| {
        ["/build", "/tmp/", "/home/", "/root/", "/var/tmp/"]
            .iter()
            .any(|start| text.contains(start))
    };
    if path(a) && path(b) {
        return Some(Cause::BuildPath);
    }
    if is_random(a) && is_random(b) {
        return Some(Cause::Random);
    }
    let mut letters: [Vec<char>; 2] = [first.chars().collect(), second.chars().collect()];
    letters.iter_mut().for_each(|l| l.sort_unstable());
    let words = |text: &str| {
        let mut words: Vec<String> = text
            .split([' ', ',', ';', '\t'])
            .map(str::to_owned)
            .collect();
        words.sort_unstable();
        words
    };
    let several = words(first).len() > 1;
    (several && letters[0] == letters[1] && words(first) == words(second)).then_some(Cause::Order)
}

/// The parts of two texts that differ, widened to whole words.
fn changed<'t>(first: &'t str, second: &'t str) -> (&'t str, &'t str) {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-:./_+".contains(c);
    let same = |(a, b): &(char, char)| a == b;
    let start: usize = first
        .chars()
        .zip(second.chars())
        .take_while(same)
        .map(|(c, _)| c.len_utf8())
        .sum();
    let word_start = first[..start].rfind(|c| !is_part(c)).map_or(0, |at| {
        at + first[at..].chars().next().map_or(1, char::len_utf8)
    });
    let (a, b) = (&first[word_start..], &second[word_start..]);
    let end: usize = a
        .chars()
        .rev()
        .zip(b.chars().rev())
        .take_while(same)
        .map(|(c, _)| c.len_utf8())
        .sum();
    let end = end.min(a.len().min(b.len()));
    let tail = &a[a.len() - end..];
    let kept = tail.find(|c| !is_part(c)).map_or(0, |at| end - at);
    (&a[..a.len() - kept], &b[..b.len() - kept])
}

fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|g| g.len()).eq([8, 4, 4, 4, 12])
        && groups
            .iter()
            .all(|g| g.chars().all(|c| c.is_ascii_hexdigit()))
}

fn looks_like_time(text: &str) -> bool {
    let number = |word: &&str| word.chars().all(|c| c.is_ascii_digit());
    let words = || {
        text.split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|w| !w.is_empty())
    };
    let seconds = words()
        .filter(number)
        .filter(|word| word.len() == 10 || word.len() == 13)
        .any(|word| {
            word[..10]
                .parse::<u64>()
                .is_ok_and(|n| (1_000_000_000..2_200_000_000).contains(&n))
        });
    let year = words().filter(number).any(|word| {
        matches!(word.len(), 4 | 8 | 14) && (word.starts_with("19") || word.starts_with("20"))
    });
    let clock = text.split(' ').any(|word| {
        let parts: Vec<&str> = word.split(':').collect();
        parts.len() >= 2
            && parts
                .iter()
                .all(|p| p.len() >= 2 && p[..2].chars().all(|c| c.is_ascii_digit()))
    });
    let month = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    .iter()
    .any(|name| words().any(|word| word == *name));
    seconds || clock || (year && (month || words().count() > 1)) || (year && text.len() >= 8)
}

/// A long word without meaning.
fn is_random(text: &str) -> bool {
    let word = text.len() >= 8
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+/=-_".contains(c));
    let digits = text.chars().filter(char::is_ascii_digit).count();
    word && digits * 5 >= text.len() && !text.contains('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_both_runs_had_is_found_in_any_spelling() {
        let facts = Facts {
            clock: Some((2_145_916_800, 2_090_000_000)),
            host_name: Some(("xsc-build".into(), "other".into())),
            path: Some(("/s/tmp/1-2".into(), "/s/tmp/3-4/deep".into())),
            uid: Some((1000, 4321)),
            gid: Some((1000, 4322)),
            umask: Some((0o022, 0o077)),
            cpus: Some((1, 2)),
        };
        let cause = |a: &str, b: &str| cause_of(a, b, &facts);
        for (a, b, expected) in [
            (
                "built at 2145916800",
                "built at 2090000000",
                Some(Cause::TimeStamp),
            ),
            (
                "Fri Jan  1 00:00:00 UTC 2038",
                "Thu Mar 24 15:33:20 UTC 2036",
                Some(Cause::TimeStamp),
            ),
            (
                "__DATE__ 20380101",
                "__DATE__ 20360324",
                Some(Cause::TimeStamp),
            ),
            ("on xsc-build", "on other", Some(Cause::HostName)),
            ("by 1000", "by 4321", Some(Cause::User)),
            (
                "at /s/tmp/1-2/x",
                "at /s/tmp/3-4/deep/x",
                Some(Cause::BuildPath),
            ),
            ("mask 0022", "mask 0077", Some(Cause::Umask)),
            ("jobs=1", "jobs=2", Some(Cause::Cpus)),
            ("jobs=1 more=3", "jobs=2 more=4", None),
            ("1 apple", "2 pears", None),
        ] {
            assert_eq!(cause(a, b), expected, "{a} / {b}");
        }
    }

    #[test]
    fn looks_tell_without_facts() {
        let cause = |a: &str, b: &str| cause_of(a, b, &Facts::default());
        for (a, b, expected) in [
            (
                "id 0b9d8c1e-58a4-4b6a-9a54-0e9a4f5f3c11",
                "id 1b9d8c1e-58a4-4b6a-9a54-0e9a4f5f3c99",
                Some(Cause::Random),
            ),
            (
                "built 2026-11-21 10:00",
                "built 2026-11-21 10:01",
                Some(Cause::TimeStamp),
            ),
            ("t=1763719000", "t=1763719001", Some(Cause::TimeStamp)),
            (
                "from /build/a/x.c",
                "from /build/b/x.c",
                Some(Cause::BuildPath),
            ),
            ("key 9f8e7d6c5b4a", "key 1a2b3c4d5e6f", Some(Cause::Random)),
            ("a b c", "c b a", Some(Cause::Order)),
            ("apple", "pear", None),
            ("", "pear", None),
        ] {
            assert_eq!(cause(a, b), expected, "{a} / {b}");
        }
    }
}
