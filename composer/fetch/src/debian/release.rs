//! The signed index of a suite: `InRelease`, its signature and the hashes in it.
//!
//! Used by `archive`. Invariant: the text that is parsed is the text that was signed: with `gpgv` it is what
//! `gpgv` wrote out, and otherwise anything outside the signed block makes the file unreadable.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use xsc_profile::Signature;

use super::control::paragraphs;

/// Where to find what verifies an archive's signature.
#[derive(Debug, Clone, Default)]
pub struct SignatureCheck {
    /// The `gpgv` program.
    pub gpgv: Option<PathBuf>,
    /// The Debian archive's keyring.
    pub keyring: Option<PathBuf>,
}

impl SignatureCheck {
    /// Finds the program and the keyring where Debian puts them.
    pub fn from_host() -> SignatureCheck {
        let find = |path: &str| Some(PathBuf::from(path)).filter(|p| p.exists());
        SignatureCheck {
            gpgv: find("/usr/bin/gpgv"),
            keyring: find("/usr/share/keyrings/debian-archive-keyring.gpg"),
        }
    }
}

/// An `InRelease` file that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    /// The signature is bad, or none is by a key of the keyring.
    #[error("the signature of {url} is not good: {reason}")]
    BadSignature {
        /// Where the file came from.
        url: String,
        /// What `gpgv` said.
        reason: String,
    },
    /// `gpgv` could not be run.
    #[error("can't run {} on {url}", gpgv.display())]
    Gpgv {
        /// The program.
        gpgv: PathBuf,
        /// Where the file came from.
        url: String,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// The file is not an `InRelease` file.
    #[error("{url} is no InRelease file: {reason}")]
    Malformed {
        /// Where the file came from.
        url: String,
        /// What is wrong.
        reason: &'static str,
    },
}

/// What a Release file says.
#[derive(Debug, Clone)]
pub(crate) struct Release {
    pub(crate) date: Date,
    pub(crate) by_hash: bool,
    /// Path below the suite, to SHA-256 and size.
    pub(crate) files: BTreeMap<String, (String, u64)>,
}

/// Verifies and parses an `InRelease` file.
pub(crate) fn read_in_release(
    url: &str,
    bytes: &[u8],
    check: &SignatureCheck,
) -> Result<(Release, Signature), ReleaseError> {
    let (text, signature) = match (&check.gpgv, &check.keyring) {
        (Some(gpgv), Some(keyring)) => (verify(url, bytes, gpgv, keyring)?, Signature::Verified),
        _ => (signed_text(url, bytes)?, Signature::Unverified),
    };
    Ok((parse(url, &text)?, signature))
}

fn verify(url: &str, bytes: &[u8], gpgv: &Path, keyring: &Path) -> Result<String, ReleaseError> {
    let failed = |source| ReleaseError::Gpgv {
        gpgv: gpgv.to_owned(),
        url: url.to_owned(),
        source,
    };
    let dir = tempfile::tempdir().map_err(failed)?;
    let (input, output) = (dir.path().join("InRelease"), dir.path().join("Release"));
    std::fs::write(&input, bytes).map_err(failed)?;
    let run = Command::new(gpgv)
        .args(["--status-fd", "1", "--keyring"])
        .arg(keyring)
        .arg("--output")
        .arg(&output)
        .arg(&input)
        .env("LC_ALL", "C")
        .output()
        .map_err(failed)?;
    // A suite is signed by several keys, of which an older host knows some: one good signature is enough, as
    // it is for apt, and one bad signature is too much.
    let status = String::from_utf8_lossy(&run.stdout).into_owned();
    let said = |word: &str| {
        status
            .lines()
            .any(|l| l.starts_with(&format!("[GNUPG:] {word}")))
    };
    if !said("VALIDSIG ") || !said("GOODSIG ") || said("BADSIG ") {
        let errors = String::from_utf8_lossy(&run.stderr);
        let mut reason = errors.trim().replace('\n', "; ");
        if said("NO_PUBKEY") {
            reason.push_str("; the host's package debian-archive-keyring may be too old");
        }
        let url = url.to_owned();
        return Err(ReleaseError::BadSignature { url, reason });
    }
    let text = std::fs::read(&output).map_err(failed)?;
    String::from_utf8(text).map_err(|_| malformed(url, "not UTF-8"))
}

fn malformed(url: &str, reason: &'static str) -> ReleaseError {
    let url = url.to_owned();
    ReleaseError::Malformed { url, reason }
}

/// Cuts the text out of a clear-signed message without looking at the signature.
fn signed_text(url: &str, bytes: &[u8]) -> Result<String, ReleaseError> {
    let text = std::str::from_utf8(bytes).map_err(|_| malformed(url, "not UTF-8"))?;
    let body = text
        .strip_prefix("-----BEGIN PGP SIGNED MESSAGE-----\n")
        .ok_or_else(|| malformed(url, "it does not start with a signed message"))?;
    let (_, body) = body
        .split_once("\n\n")
        .ok_or_else(|| malformed(url, "the signed message is empty"))?;
    let (body, rest) = body
        .split_once("-----BEGIN PGP SIGNATURE-----\n")
        .ok_or_else(|| malformed(url, "the signature is missing"))?;
    let end = "-----END PGP SIGNATURE-----";
    match rest.split_once(end) {
        Some((_, after)) if after.trim().is_empty() => Ok(body.to_owned()),
        _ => Err(malformed(url, "the signature does not end the file")),
    }
}

fn parse(url: &str, text: &str) -> Result<Release, ReleaseError> {
    let paragraph = paragraphs(text).next();
    let paragraph = paragraph.ok_or_else(|| malformed(url, "it is empty"))?;
    let date = paragraph.get("Date").and_then(Date::parse);
    let hashes = paragraph.get("SHA256");
    let hashes = hashes.ok_or_else(|| malformed(url, "it has no SHA256 field"))?;
    let mut files = BTreeMap::new();
    for line in hashes.lines() {
        let mut words = line.split_whitespace();
        if let (Some(hash), Some(size), Some(path)) = (words.next(), words.next(), words.next())
            && let Ok(size) = size.parse()
            && is_sha256(hash)
        {
            files.insert(path.to_owned(), (hash.to_owned(), size));
        }
    }
    Ok(Release {
        date: date.ok_or_else(|| malformed(url, "it has no readable Date field"))?,
        by_hash: paragraph.get("Acquire-By-Hash") == Some("yes"),
        files,
    })
}

pub(crate) fn is_sha256(text: &str) -> bool {
    let digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    text.len() == 64 && text.bytes().all(digit)
}

/// A moment in UTC, as the `Date` field of a Release file gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Date {
    /// Days since 1970-01-01.
    days: i64,
    /// Seconds of the day.
    seconds: u32,
}

impl Date {
    /// Reads `Sat, 12 Sep 2026 07:55:41 UTC`.
    fn parse(text: &str) -> Option<Date> {
        const MONTHS: [&str; 12] = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ];
        let (_, text) = text.split_once(", ")?;
        let words: Vec<&str> = text.split(' ').collect();
        let [day, month, year, time, "UTC"] = words[..] else {
            return None;
        };
        let month = MONTHS.iter().position(|m| *m == month)? as i64 + 1;
        let day: i64 = day.parse().ok().filter(|d| (1..=31).contains(d))?;
        let year: i64 = year.parse().ok().filter(|y| (1970..=9999).contains(y))?;
        let time: Vec<u32> = time.split(':').map_while(|t| t.parse().ok()).collect();
        let [hours @ 0..24, minutes @ 0..60, seconds @ 0..61] = time[..] else {
            return None;
        };
        Some(Date {
            days: days_from_civil(year, month, day),
            seconds: hours * 3600 + minutes * 60 + seconds,
        })
    }

    pub(crate) fn plus_days(self, days: i64) -> Date {
        Date {
            days: self.days + days,
            ..self
        }
    }

    /// `2026-09-12T07:55:41Z`
    pub(crate) fn extended(self) -> String {
        let (year, month, day, h, m, s) = self.fields();
        format!("{year:04}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}Z")
    }

    /// `20260912T075541Z`
    pub(crate) fn basic(self) -> String {
        self.extended().replace(['-', ':'], "")
    }

    fn fields(self) -> (i64, i64, i64, u32, u32, u32) {
        // The inverse of `days_from_civil`, by search: the range is known and this is not a hot path.
        let mut year = 1970 + self.days / 366;
        while days_from_civil(year + 1, 1, 1) <= self.days {
            year += 1;
        }
        let mut month = 1;
        while month < 12 && days_from_civil(year, month + 1, 1) <= self.days {
            month += 1;
        }
        let day = self.days - days_from_civil(year, month, 1) + 1;
        let s = self.seconds;
        (year, month, day, s / 3600, s / 60 % 60, s % 60)
    }
}

/// Days from 1970-01-01 to a date of the Gregorian calendar.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    const BEFORE: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let leap_days = |y: i64| y / 4 - y / 100 + y / 400;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let this_year = BEFORE[(month - 1) as usize] + day - 1 + i64::from(leap && month > 2);
    (year - 1970) * 365 + leap_days(year - 1) - leap_days(1969) + this_year
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        let date = Date::parse("Sat, 12 Sep 2026 07:55:41 UTC").unwrap();
        assert_eq!(date.extended(), "2026-09-12T07:55:41Z");
        assert_eq!(date.plus_days(1).basic(), "20260913T075541Z");
        let leap = Date::parse("Wed, 28 Feb 2024 23:59:59 UTC").unwrap();
        assert_eq!(leap.plus_days(1).extended(), "2024-02-29T23:59:59Z");
        assert_eq!(leap.plus_days(2).extended(), "2024-03-01T23:59:59Z");
        let year = Date::parse("Thu, 31 Dec 2026 00:00:00 UTC").unwrap();
        assert_eq!(year.plus_days(1).extended(), "2027-01-01T00:00:00Z");
        assert_eq!(Date::parse("Sat, 12 Sep 2026 07:55:41 CET"), None);
        assert_eq!(Date::parse("Sat, 12 Foo 2026 07:55:41 UTC"), None);
        assert_eq!(days_from_civil(2000, 3, 1), 11017);
    }

    const SIGNED: &str = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n\
        Suite: stable\nDate: Sat, 12 Sep 2026 07:55:41 UTC\nAcquire-By-Hash: yes\nSHA256:\n \
        aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa  12 main/source/Sources.xz\n\
        -----BEGIN PGP SIGNATURE-----\n\nxx\n-----END PGP SIGNATURE-----\n";

    #[test]
    fn an_unverified_file_is_read_and_marked() {
        let none = SignatureCheck::default();
        let (release, signature) = read_in_release("u", SIGNED.as_bytes(), &none).unwrap();
        assert_eq!(signature, Signature::Unverified);
        assert!(release.by_hash);
        assert_eq!(release.files["main/source/Sources.xz"].1, 12);
    }

    #[test]
    fn text_outside_the_signed_block_is_refused() {
        let none = SignatureCheck::default();
        for text in [
            format!("Date: x\n{SIGNED}"),
            format!("{SIGNED}SHA256:\n x\n"),
        ] {
            let result = read_in_release("u", text.as_bytes(), &none);
            assert!(matches!(result, Err(ReleaseError::Malformed { .. })));
        }
    }

    #[test]
    fn a_forged_signature_is_refused() {
        let check = SignatureCheck::from_host();
        if check.gpgv.is_none() || check.keyring.is_none() {
            eprintln!("skipped: gpgv or the Debian keyring is absent");
            return;
        }
        let result = read_in_release("u", SIGNED.as_bytes(), &check);
        assert!(
            matches!(result, Err(ReleaseError::BadSignature { .. })),
            "{result:?}"
        );
    }
}
