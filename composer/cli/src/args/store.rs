//! The arguments of `store` and `gc`, and how sizes and durations are written.
//!
//! Invariant: a number without its unit is refused, since nobody knows what it means.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::BuildFlags;

#[derive(Debug, Args)]
pub(crate) struct StoreArgs {
    #[command(subcommand)]
    pub(crate) verb: StoreVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum StoreVerb {
    /// Check that what the store holds is what its names say.
    Verify(StoreVerify),
    /// Show what takes the disk space, by root and by derivation.
    Size(StoreSize),
}

#[derive(Debug, Args)]
pub(crate) struct StoreVerify {
    /// Move what is wrong out of the way, so that it is built or fetched again.
    #[arg(long)]
    pub(crate) repair: bool,

    /// With --repair, the profile or attribute to realise again at once.
    #[arg(requires = "repair", value_name = "PROFILE|ATTR")]
    pub(crate) subject: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) flags: BuildFlags,
}

#[derive(Debug, Args)]
pub(crate) struct StoreSize {
    /// List all roots and derivations, not only the largest.
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Gc {
    /// Print what would be deleted, and stop.
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,

    /// Wait for running builds to end instead of giving up; builds that start meanwhile wait too.
    #[arg(long)]
    pub(crate) wait: bool,

    /// Delete only what was not used for this long, such as 12h, 30d or 8w.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) older_than: Option<Duration>,

    /// Delete, the longest unused first, only until files take at most SIZE, such as 500M or 20G.
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) max_size: Option<u64>,
}

/// A duration with its unit.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    const UNITS: [(&str, u64); 5] = [
        ("s", 1),
        ("m", 60),
        ("h", 3600),
        ("d", 86_400),
        ("w", 604_800),
    ];
    let (number, unit) = split(text);
    let seconds = UNITS
        .iter()
        .find(|(name, _)| *name == unit)
        .and_then(|(_, seconds)| number.parse::<u64>().ok()?.checked_mul(*seconds));
    seconds
        .map(Duration::from_secs)
        .ok_or_else(|| "expected a whole number and s, m, h, d or w, such as 30d".to_owned())
}

/// A size in bytes, written with its unit; units are powers of 1024.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    const UNITS: [&str; 5] = ["B", "K", "M", "G", "T"];
    let (number, unit) = split(text);
    let short = match unit.strip_suffix("iB") {
        Some(short) if !short.is_empty() => short,
        _ => unit,
    };
    let power = UNITS.iter().position(|name| *name == short);
    power
        .and_then(|power| {
            let factor = 1024u64.checked_pow(u32::try_from(power).ok()?)?;
            number.parse::<u64>().ok()?.checked_mul(factor)
        })
        .ok_or_else(|| "expected a whole number and B, K, M, G or T, such as 20G".to_owned())
}

fn split(text: &str) -> (&str, &str) {
    let at = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    text.split_at(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_durations_have_units() {
        assert_eq!(size("20G"), Ok(20 << 30));
        assert_eq!(size("500MiB"), Ok(500 << 20));
        assert_eq!(size("0B"), Ok(0));
        for bad in [
            "",
            "20",
            "G",
            "1.5G",
            "-1G",
            "20 G",
            "20GB",
            "99999999T",
            "iB",
            "1iB",
        ] {
            assert!(size(bad).is_err(), "{bad}");
        }
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("2w"), Ok(Duration::from_secs(14 * 86_400)));
        for bad in ["", "5", "d", "1y", "1.5h", "30dd", "99999999999999999999d"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }
}
