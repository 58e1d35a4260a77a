//! Virtual time, and how each provider writes it.

use super::json::Put;
use crate::domain::clock::Timestamp;

/// Seconds.
pub const MINUTE: i64 = 60;
/// Seconds.
pub const HOUR: i64 = 60 * MINUTE;
/// Seconds.
pub const DAY: i64 = 24 * HOUR;

const MICROS: i64 = 1_000_000;

/// A moment of virtual time, in microseconds since 1970.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(i64);

impl Moment {
    pub const fn from_unix(seconds: i64) -> Self {
        Self(seconds * MICROS)
    }

    pub fn of(time: Timestamp) -> Self {
        Self(time.timestamp_micros())
    }

    pub const fn plus(self, seconds: i64) -> Self {
        Self(self.0 + seconds * MICROS)
    }

    pub const fn plus_micros(self, micros: i64) -> Self {
        Self(self.0 + micros)
    }

    /// Seconds since 1970.
    pub const fn unix(self) -> i64 {
        self.0.div_euclid(MICROS)
    }

    /// As a database or a test wants it, exact to the microsecond.
    pub fn timestamp(self) -> Timestamp {
        Timestamp::from_timestamp_micros(self.0).unwrap_or_default()
    }

    /// What is left of it in a payload of GitHub: whole seconds.
    pub const fn at_github(self) -> Self {
        Self::from_unix(self.unix())
    }

    /// What is left of it in a payload of Linear: milliseconds.
    pub const fn at_linear(self) -> Self {
        Self(self.0.div_euclid(1000) * 1000)
    }

    /// Milliseconds since 1970.
    pub const fn millis(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// As Slack names messages: `1767603600.123456`.
    pub fn slack_ts(self) -> String {
        format!("{}.{:06}", self.unix(), self.0.rem_euclid(MICROS))
    }

    /// As Slack's permalinks name messages: `p1767603600123456`.
    pub fn slack_link(self) -> String {
        format!("p{}", self.0)
    }

    /// `20260105`, for names that people give.
    pub fn date_digits(self) -> String {
        let (year, month, day) = civil(self.unix().div_euclid(DAY));
        format!("{year}{month:02}{day:02}")
    }

    fn write_seconds(self, out: &mut String) {
        let (year, month, day) = civil(self.unix().div_euclid(DAY));
        let second = self.unix().rem_euclid(DAY);
        digits(out, year, 4);
        for (mark, number) in [('-', month), ('-', day), ('T', second / HOUR), (':', second % HOUR / MINUTE), (':', second % MINUTE)] {
            out.push(mark);
            digits(out, number, 2);
        }
    }
}

/// GitHub's: `"2026-01-05T09:12:33Z"`.
impl Put for Moment {
    fn put(&self, out: &mut String) {
        out.push('"');
        self.write_seconds(out);
        out.push_str("Z\"");
    }
}

/// Linear's: `"2026-01-05T09:12:33.114Z"`.
#[derive(Debug, Clone, Copy)]
pub struct Millis(pub Moment);

impl Put for Millis {
    fn put(&self, out: &mut String) {
        out.push('"');
        self.0.write_seconds(out);
        out.push('.');
        digits(out, self.0.millis().rem_euclid(1000), 3);
        out.push_str("Z\"");
    }
}

fn digits(out: &mut String, number: i64, count: u32) {
    for place in (0..count).rev() {
        let digit = number / 10_i64.pow(place) % 10;
        out.push(char::from(b'0' + digit as u8));
    }
}

/// Year, month and day of a day since 1970 (Howard Hinnant, "chrono-compatible low-level date algorithms").
fn civil(day: i64) -> (i64, i64, i64) {
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, of_year - (153 * shifted_month + 2) / 5 + 1)
}

/// The first moment from `moment` on at which someone works whose clock is `offset` seconds ahead of UTC: Monday to
/// Friday, from nine to six.
pub fn working(moment: Moment, offset: i64) -> Moment {
    const OPENS: i64 = 9 * HOUR;
    const CLOSES: i64 = 18 * HOUR;
    let local = moment.unix() + offset;
    let (day, second) = (local.div_euclid(DAY), local.rem_euclid(DAY));
    // 1970-01-01 was a Thursday.
    let weekday = (day + 3).rem_euclid(7);
    let days_to_monday = 7 - weekday;
    let wait = match (weekday, second) {
        (5 | 6, _) => days_to_monday * DAY - second + OPENS,
        (_, early) if early < OPENS => OPENS - early,
        (4, late) if late >= CLOSES => days_to_monday * DAY - late + OPENS,
        (_, late) if late >= CLOSES => DAY - late + OPENS,
        _ => 0,
    };
    // Not everybody begins on the stroke of nine.
    if wait == 0 { moment } else { moment.plus(wait + (moment.unix() % (90 * MINUTE))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_chrono_reads_them() {
        for unix in [0, 951_782_399, 1_767_603_600, 1_772_323_199, 4_102_444_799] {
            let moment = Moment::from_unix(unix).plus_micros(123_456);
            let mut text = String::new();
            Millis(moment).put(&mut text);
            let read: Timestamp = serde_json::from_str(&text).expect("a time");
            assert_eq!(read, moment.at_linear().timestamp());
            assert_eq!(moment.at_github().timestamp().timestamp(), unix);
        }
    }

    #[test]
    fn nobody_works_at_night_or_on_sundays() {
        use chrono::{Datelike, Timelike, Weekday};
        for hour in 0..400 {
            let found = working(Moment::from_unix(1_767_603_600 + hour * HOUR), 0);
            let time = found.timestamp();
            assert!(found >= Moment::from_unix(1_767_603_600 + hour * HOUR));
            assert!((9..18).contains(&time.hour()), "{time}");
            assert!(!matches!(time.weekday(), Weekday::Sat | Weekday::Sun), "{time}");
        }
    }
}
