//! The one time of an image: seconds since 1970 in UTC, written the way each format wants it.
//!
//! Every writer goes through [`Epoch`]. Invariant: a time that a format cannot hold is an error,
//! never a wrapped value; only FAT, which begins in 1980, has earlier times raised to that.

use chrono::{DateTime, Datelike, Timelike, Utc};

/// A time that the image's format cannot hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the time {seconds} (seconds since 1970) is outside the {range} that {format} holds")]
pub struct EpochError {
    /// What was given.
    pub seconds: i64,
    /// The format.
    pub format: &'static str,
    /// The years that it holds.
    pub range: &'static str,
}

/// A time in UTC that has been checked against one format.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Epoch(DateTime<Utc>);

impl Epoch {
    fn checked(
        seconds: i64,
        years: std::ops::RangeInclusive<i32>,
        format: &'static str,
        range: &'static str,
    ) -> Result<Self, EpochError> {
        DateTime::from_timestamp(seconds, 0)
            .filter(|time| years.contains(&time.year()))
            .map(Epoch)
            .ok_or(EpochError {
                seconds,
                format,
                range,
            })
    }

    /// A time for ISO 9660, whose records count years from 1900 in one byte.
    pub(crate) fn iso(seconds: i64) -> Result<Self, EpochError> {
        Self::checked(seconds, 1900..=2155, "ISO 9660", "years 1900 to 2155")
    }

    /// A time for FAT, whose years fit in seven bits from 1980 on.
    pub(crate) fn fat(seconds: i64) -> Result<Self, EpochError> {
        const FAT_START: i64 = 315_532_800;
        Self::checked(
            seconds.max(FAT_START),
            1980..=2107,
            "FAT",
            "years 1980 to 2107",
        )
    }

    /// The date and the time of day as FAT packs them; seconds are even.
    pub(crate) fn fat_fields(&self) -> (u16, u16) {
        let (date, time) = (self.0.date_naive(), self.0.time());
        let year = u32::try_from(date.year() - 1980).expect("checked by the constructor");
        let packed = |value: u32| u16::try_from(value).expect("fields are within their bits");
        (
            packed((year << 9) | (date.month() << 5) | date.day()),
            packed((time.hour() << 11) | (time.minute() << 5) | (time.second() / 2)),
        )
    }

    /// The seven bytes of a directory record.
    pub(crate) fn iso_record(&self) -> [u8; 7] {
        let year = u8::try_from(self.0.year() - 1900).expect("checked by the constructor");
        let small = |value: u32| u8::try_from(value).expect("a field of a date is below 60");
        [
            year,
            small(self.0.month()),
            small(self.0.day()),
            small(self.0.hour()),
            small(self.0.minute()),
            small(self.0.second()),
            0,
        ]
    }

    /// The seventeen bytes of a volume descriptor: digits, hundredths, and the zone.
    pub(crate) fn iso_volume(&self) -> [u8; 17] {
        let text = format!("{}00\0", self.0.format("%Y%m%d%H%M%S"));
        text.as_bytes()
            .try_into()
            .expect("four-digit years give seventeen bytes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iso_forms_of_a_known_time() {
        let epoch = Epoch::iso(1_755_000_000).unwrap();
        assert_eq!(epoch.iso_record(), [125, 8, 12, 12, 0, 0, 0]);
        assert_eq!(&epoch.iso_volume(), b"2025081212000000\0");
        assert_eq!(Epoch::iso(0).unwrap().iso_record(), [70, 1, 1, 0, 0, 0, 0]);
    }

    #[test]
    fn times_that_iso_cannot_hold_are_refused() {
        for seconds in [i64::MIN, -2_208_988_801, 5_869_584_000, i64::MAX] {
            assert!(Epoch::iso(seconds).is_err(), "{seconds}");
        }
        assert!(Epoch::iso(-2_208_988_800).is_ok());
        assert!(Epoch::iso(5_869_583_999).is_ok());
    }
}
