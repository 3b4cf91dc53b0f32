//! The proleptic Gregorian calendar: days and seconds from 1970-01-01 UTC, as R's `Date` and `POSIXct` count them, written
//! and read by `strftime`'s letters, in English.

/// Names of months.
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Names of days, from Sunday.
const DAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

/// Days on which years are four digits.
const RANGE: std::ops::RangeInclusive<i64> = -719_528..=2_932_896;

/// A day, and the seconds since it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    year: i64,
    month: i64,
    day: i64,
    /// From 1970-01-01.
    days: i64,
    seconds: i64,
}

/// Days from 1970-01-01 to a date. Months count from March, so that the leap day is the last of a year; 400 years are
/// 146,097 days (Hinnant, "chrono-compatible low-level date algorithms").
fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let of_era = y.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn length(year: i64, month: i64) -> i64 {
    match month {
        2 => 28 + i64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl Moment {
    /// The day `days` (whatever part of one it has), and `seconds` into it; `None` for what is missing or in no year of
    /// four digits.
    pub fn of(days: f64, seconds: f64) -> Option<Moment> {
        if days.is_nan() || days.abs() > 1e9 {
            return None;
        }
        let days = days.floor() as i64;
        if !RANGE.contains(&days) {
            return None;
        }
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let of_era = shifted.rem_euclid(146_097);
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * of_year + 2) / 153;
        let day = of_year - (153 * from_march + 2) / 5 + 1;
        let month = (from_march + 2) % 12 + 1;
        let year = era * 400 + year_of_era + i64::from(month <= 2);
        Some(Moment {
            year,
            month,
            day,
            days,
            seconds: seconds.floor() as i64,
        })
    }

    /// A time in seconds.
    pub fn of_seconds(seconds: f64) -> Option<Moment> {
        let days = (seconds / 86400.0).floor();
        Moment::of(days, seconds - days * 86400.0)
    }

    /// From Sunday, 0.
    fn weekday(&self) -> i64 {
        (self.days + 4).rem_euclid(7)
    }

    /// From 1.
    fn day_of_year(&self) -> i64 {
        self.days - days_of(self.year, 1, 1) + 1
    }

    /// Year and week of ISO 8601: the week of a date is that of its Thursday.
    fn iso_week(&self) -> (i64, i64) {
        let thursday = self.days - (self.weekday() + 6) % 7 + 3;
        let own = Moment::of(thursday as f64, 0.0).unwrap_or(*self);
        (own.year, (own.day_of_year() - 1) / 7 + 1)
    }

    /// The day, and the time of it unless it is midnight, with a part of a second to six decimals.
    pub fn written(&self, part: f64) -> Option<String> {
        let micros = (part * 1e6).round() as i64;
        let format = match (self.seconds, micros) {
            (0, 0) => "%Y-%m-%d",
            _ => "%Y-%m-%d %H:%M:%S",
        };
        let text = self.format(format).ok()?;
        Some(match micros {
            0 => text,
            _ => {
                let digits = format!("{:06}", micros.min(999_999));
                format!("{text}.{}", digits.trim_end_matches('0'))
            }
        })
    }

    /// The quarter, `Q1` to `Q4`.
    pub fn quarter(&self) -> String {
        format!("Q{}", (self.month - 1) / 3 + 1)
    }

    /// The text that a format makes.
    ///
    /// # Errors
    /// A letter after `%` that is none of those of `strftime` which need no locale.
    pub fn format(&self, format: &str) -> Result<String, String> {
        let mut out = String::new();
        let mut letters = format.chars();
        while let Some(c) = letters.next() {
            if c != '%' {
                out.push(c);
                continue;
            }
            let letter = letters.next().unwrap_or('%');
            let hour = self.seconds / 3600;
            let week_from = |first: i64| (self.day_of_year() - 1 + 7 - (self.weekday() + 7 - first) % 7) / 7;
            out.push_str(&match letter {
                'Y' => format!("{}", self.year),
                'C' => format!("{:02}", self.year.div_euclid(100)),
                'y' => format!("{:02}", self.year.rem_euclid(100)),
                'm' => format!("{:02}", self.month),
                'd' => format!("{:02}", self.day),
                'e' => format!("{:2}", self.day),
                'B' => MONTHS[self.month as usize - 1].to_string(),
                'b' | 'h' => MONTHS[self.month as usize - 1][..3].to_string(),
                'A' => DAYS[self.weekday() as usize].to_string(),
                'a' => DAYS[self.weekday() as usize][..3].to_string(),
                'u' => format!("{}", (self.weekday() + 6) % 7 + 1),
                'w' => format!("{}", self.weekday()),
                'j' => format!("{:03}", self.day_of_year()),
                'U' => format!("{:02}", week_from(0)),
                'W' => format!("{:02}", week_from(1)),
                'G' => format!("{}", self.iso_week().0),
                'g' => format!("{:02}", self.iso_week().0.rem_euclid(100)),
                'V' => format!("{:02}", self.iso_week().1),
                'H' => format!("{hour:02}"),
                'I' => format!("{:02}", (hour + 11) % 12 + 1),
                'p' => if hour < 12 { "AM" } else { "PM" }.to_string(),
                'M' => format!("{:02}", self.seconds / 60 % 60),
                'S' => format!("{:02}", self.seconds % 60),
                'F' => self.format("%Y-%m-%d")?,
                'D' => self.format("%m/%d/%y")?,
                'T' => self.format("%H:%M:%S")?,
                'R' => self.format("%H:%M")?,
                's' => format!("{}", self.days * 86400 + self.seconds),
                'Z' => "UTC".to_string(),
                'z' => "+0000".to_string(),
                'n' => "\n".to_string(),
                't' => "\t".to_string(),
                '%' => "%".to_string(),
                other => return Err(format!("has `%{other}`, which is no letter of a date")),
            });
        }
        Ok(out)
    }
}

/// The day that a text says by a format, from 1970-01-01; what follows the format is not looked at, as in R.
pub(super) fn parsed(text: &str, format: &str) -> Option<i64> {
    let (mut year, mut month, mut day, mut of_year) = (None, None, None, None);
    let mut rest = text.trim_start();
    let mut letters = format.chars();
    while let Some(c) = letters.next() {
        if c.is_whitespace() {
            rest = rest.trim_start();
            continue;
        }
        if c != '%' {
            rest = rest.strip_prefix(c)?;
            continue;
        }
        match letters.next()? {
            'Y' => year = Some(digits(&mut rest, 4)?),
            'y' => {
                let y = digits(&mut rest, 2)?;
                year = Some(y + if y < 69 { 2000 } else { 1900 });
            }
            'm' => month = Some(digits(&mut rest, 2)?),
            'd' | 'e' => day = Some(digits(&mut rest, 2)?),
            'j' => of_year = Some(digits(&mut rest, 3)?),
            'B' | 'b' | 'h' => month = Some(named(&mut rest, &MONTHS)? + 1),
            'A' | 'a' => {
                named(&mut rest, &DAYS)?;
            }
            'H' | 'M' | 'S' | 'I' => {
                digits(&mut rest, 2)?;
            }
            'F' => {
                let day = parsed(rest, "%Y-%m-%d")?;
                return Some(day);
            }
            '%' => rest = rest.strip_prefix('%')?,
            _ => return None,
        }
    }
    let year = year?;
    if let Some(of_year) = of_year {
        let last = 365 + i64::from(is_leap(year));
        return (1..=last)
            .contains(&of_year)
            .then(|| days_of(year, 1, 1) + of_year - 1);
    }
    let (month, day) = (month?, day?);
    let real = (1..=12).contains(&month) && (1..=length(year, month)).contains(&day);
    real.then(|| days_of(year, month, day))
}

/// A number of at most `most` digits.
fn digits(rest: &mut &str, most: usize) -> Option<i64> {
    let n = rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
    let (number, left) = rest.split_at(n);
    *rest = left;
    number.parse().ok()
}

/// Which of some names a text begins with, in full or by three letters, in any case.
fn named(rest: &mut &str, names: &[&str]) -> Option<i64> {
    let begins = |n: usize, name: &str| rest.get(..n).is_some_and(|r| r.eq_ignore_ascii_case(&name[..n]));
    let at = names.iter().position(|name| begins(3, name))?;
    let n = if begins(names[at].len(), names[at]) {
        names[at].len()
    } else {
        3
    };
    *rest = &rest[n..];
    Some(at as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every day of years 0 to 9999 follows the one before, in a calendar counted by hand.
    #[test]
    fn days_and_dates_are_each_others_inverse() {
        let (mut year, mut month, mut day) = (0, 1, 1);
        for days in RANGE {
            let own = Moment::of(days as f64, 0.0).unwrap();
            assert_eq!((own.year, own.month, own.day), (year, month, day));
            assert_eq!(days_of(year, month, day), days);
            day += 1;
            if day > length(year, month) {
                (day, month) = (1, month + 1);
            }
            if month > 12 {
                (month, year) = (1, year + 1);
            }
        }
        assert_eq!((year, month, day), (10_000, 1, 1));
    }
}
