//! How somebody reads: in which language, and in the time of which zone.
//!
//! Zones are those of the IANA time zone database, which comes with the program where the system has none. Decides
//! nothing; screens and templates call it. What is stored, sent over the API or written to files is always in UTC.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::OnceLock;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use lvs::Finding;

use crate::text::{Language, Message};

/// The time zone that moments are told in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Zone(
    /// Its name in the database; none for UTC.
    Option<&'static str>,
);

impl Zone {
    /// UTC.
    pub(crate) const UTC: Zone = Zone(None);

    /// All names of the database, in the order of the alphabet.
    pub(crate) fn names() -> &'static BTreeSet<String> {
        static NAMES: OnceLock<BTreeSet<String>> = OnceLock::new();
        // Names with a region in front are those that places have; others are old short forms.
        let fits = |name: &String| name.contains('/') && !name.starts_with("Etc/");
        NAMES.get_or_init(|| {
            jiff::tz::db().available().map(|name| name.as_str().to_owned()).filter(fits).collect()
        })
    }

    /// The zone of that name; `UTC` is UTC.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        if name.eq_ignore_ascii_case("UTC") {
            return Some(Zone::UTC);
        }
        Zone::names().get(name).map(|name| Zone(Some(name)))
    }

    /// As [`Zone::from_name`] reads it.
    pub(crate) fn name(self) -> &'static str {
        self.0.unwrap_or("UTC")
    }

    /// Whether it is UTC.
    pub(crate) fn is_utc(self) -> bool {
        self.0.is_none()
    }

    fn rules(self) -> TimeZone {
        self.0.and_then(|name| TimeZone::get(name).ok()).unwrap_or(TimeZone::UTC)
    }

    /// The moment that clocks of this zone show as `at`: the earlier one where there are two, and the one after a gap
    /// where there is none.
    pub(crate) fn at(self, at: DateTime) -> Option<Timestamp> {
        at.to_zoned(self.rules()).ok().map(|at| at.timestamp())
    }

    /// A moment in this form, without its zone.
    pub(crate) fn form(self, at: Timestamp, form: &str) -> String {
        at.to_zoned(self.rules()).strftime(form).to_string()
    }

    /// The same with the zone behind it: `UTC`, or how far from it.
    fn full(self, at: Timestamp, form: &str) -> String {
        let mut text = self.form(at, form);
        let zone = if self.is_utc() { "UTC".to_owned() } else { self.form(at, "%:z") };
        // Writing to a text never fails.
        let _ = write!(text, " {zone}");
        text
    }
}

/// How somebody reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Locale {
    pub(crate) language: Language,
    pub(crate) zone: Zone,
}

impl From<Language> for Locale {
    /// In UTC.
    fn from(language: Language) -> Self {
        Locale { language, zone: Zone::UTC }
    }
}

impl Locale {
    /// The sentence of that key; values follow by [`Message::with`].
    pub(crate) fn say(self, key: impl Into<Cow<'static, str>>) -> Message {
        self.language.say(key)
    }

    /// The sentence of a finding.
    pub(crate) fn finding(self, finding: &Finding) -> String {
        self.language.finding(finding)
    }

    /// A moment to the second, with its zone.
    pub(crate) fn moment(self, at: Timestamp) -> String {
        self.zone.full(at, "%Y-%m-%d %H:%M:%S")
    }

    /// The same of seconds since 1970.
    pub(crate) fn moment_of(self, seconds: i64) -> String {
        self.moment(Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH))
    }

    /// A moment to the thousandth of a second, with its zone.
    pub(crate) fn precise(self, at: Timestamp) -> String {
        self.zone.full(at, "%Y-%m-%d %H:%M:%S%.3f")
    }

    /// The time of day, with its zone.
    pub(crate) fn time_of_day(self, at: Timestamp) -> String {
        self.zone.full(at, "%H:%M:%S")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_zone(name: &str) -> Locale {
        Locale { zone: Zone::from_name(name).unwrap(), ..Locale::default() }
    }

    #[test]
    fn moments_are_told_with_their_zone() {
        let at: Timestamp = "2026-11-23T15:04:05.678Z".parse().unwrap();
        let summer: Timestamp = "2026-07-01T12:00:00Z".parse().unwrap();
        assert_eq!(Locale::default().moment(at), "2026-11-23 15:04:05 UTC");
        assert_eq!(in_zone("utc").precise(at), "2026-11-23 15:04:05.678 UTC");
        assert_eq!(in_zone("Asia/Shanghai").moment(at), "2026-11-23 23:04:05 +08:00");
        assert_eq!(in_zone("Europe/Berlin").moment(at), "2026-11-23 16:04:05 +01:00");
        assert_eq!(in_zone("Europe/Berlin").time_of_day(summer), "14:00:00 +02:00");
        assert_eq!(in_zone("Asia/Kolkata").moment_of(0), "1970-01-01 05:30:00 +05:30");
    }

    #[test]
    fn only_names_of_the_database_are_zones() {
        for name in ["", "Europe/Nowhere", "../etc/passwd", "europe/berlin ", "Etc/GMT+3", "EST"] {
            assert_eq!(Zone::from_name(name), None, "{name}");
        }
        let zone = Zone::from_name("America/New_York").unwrap();
        assert_eq!(Zone::from_name(zone.name()), Some(zone));
        assert!(Zone::names().len() > 300);
        // They stand in a cookie as they are.
        let plain = |c: char| c.is_ascii_alphanumeric() || "/_+-".contains(c);
        assert!(Zone::names().iter().all(|name| name.chars().all(plain)));
    }

    #[test]
    fn a_clock_of_the_zone_names_a_moment() {
        let berlin = Zone::from_name("Europe/Berlin").unwrap();
        let at = |text: &str| berlin.at(text.parse().unwrap()).unwrap().to_string();
        assert_eq!(at("2026-11-23T15:00"), "2026-11-23T14:00:00Z");
        // In the night of the change there are two of these, and none of those.
        assert_eq!(at("2026-10-25T02:30"), "2026-10-25T00:30:00Z");
        assert_eq!(at("2026-03-29T02:30"), "2026-03-29T01:30:00Z");
    }
}
