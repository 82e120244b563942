//! What a question about traffic means: over which time, of which services or servers; and the lines that answer it.
//! Asked by the page, its file and the API, so that all three show the same.

use console::{ClusterView, EventQuery, HistoryRange, LiveCluster, SeriesKey};
use jiff::Timestamp;
use jiff::civil::DateTime;
use lvs::journal::{Happening, Severity};
use lvs::model::VirtualServer;
use lvs::series::{Line, Resolution, Sample};
use lvs::table::ServiceKey;

use crate::charts::{MOST, Mark, Named};
use crate::error::Error;
use crate::fields::Fields;
use crate::happenings;
use crate::locale::Zone;
use crate::visit::Member;

/// Lengths of time that are offered: the word in the address, and seconds.
pub(crate) const RANGES: [(&str, i64); 6] =
    [("15m", 900), ("1h", 3_600), ("6h", 21_600), ("24h", 86_400), ("7d", 604_800), ("30d", 2_592_000)];
/// The longest time that may be asked for: 400 days.
const LONGEST: i64 = 400 * 86_400;
/// Marks of one chart, at most; the newest.
const MARKS: usize = 40;
/// Events that are looked through for marks.
const EVENTS: u32 = 500;

/// The time that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// The word of one of [`RANGES`]; empty where both ends were given.
    pub(crate) word: &'static str,
    pub(crate) range: HistoryRange,
}

/// A moment with its zone, or as a form sends it (`2026-11-21T19:30`), by the clocks of this zone.
fn moment(name: &str, text: &str, zone: Zone) -> Result<i64, Error> {
    let wrong = || Error::Malformed(format!("{name} {text:?}: a moment as 2026-11-21T19:30Z is expected"));
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at.as_second());
    }
    let at: DateTime = text.parse().map_err(|_| wrong())?;
    zone.at(at).map(|at| at.as_second()).ok_or_else(wrong)
}

impl Span {
    /// As the address says (`?range=1h`, or `?from=…&until=…`); an hour where it says nothing. Moments without a zone are
    /// of this one.
    pub(crate) fn read(query: &Fields, zone: Zone, now: i64) -> Result<Self, Error> {
        if let (Some(from), Some(until)) = (query.filled("from"), query.filled("until")) {
            let (from, until) = (moment("from", from, zone)?, moment("until", until, zone)?);
            if until <= from || until - from > LONGEST {
                return Err(Error::Malformed(
                    "until must be later than from, by at most 400 days".to_owned(),
                ));
            }
            return Ok(Span { word: "", range: HistoryRange { from, until } });
        }
        let asked = query.filled("range").unwrap_or("1h");
        let found = RANGES.into_iter().find(|(word, _)| *word == asked);
        let (word, seconds) = found.ok_or_else(|| {
            Error::Malformed(format!("range {asked:?}: 15m, 1h, 6h, 24h, 7d or 30d is expected"))
        })?;
        Ok(Span { word, range: HistoryRange { from: now - seconds, until: now } })
    }

    /// The same as part of an address.
    pub(crate) fn query(&self) -> String {
        let text = |at| Timestamp::from_second(at).map(|at| at.to_string()).unwrap_or_default();
        match self.word {
            "" => format!("from={}&until={}", text(self.range.from), text(self.range.until)),
            word => format!("range={word}"),
        }
    }
}

/// Lines over one time.
pub(crate) struct Traffic {
    pub(crate) resolution: Resolution,
    /// Each with its key; the rest of the cluster has none.
    pub(crate) lines: Vec<(Option<SeriesKey>, Named)>,
}

/// What a line is of.
struct Wanted {
    key: SeriesKey,
    name: String,
    href: Option<String>,
}

/// What remains of the whole after some lines; never below nothing, since each is rounded by itself.
fn rest(whole: &Line, parts: &[Line]) -> Line {
    let mut rest = whole.clone();
    for (index, sample) in rest.samples.iter_mut().enumerate() {
        let Some(sample) = sample else { continue };
        for part in parts {
            let Some(Some(part)) = part.samples.get(index) else { continue };
            let minus = |whole: &mut f64, part: f64| *whole = (*whole - part).max(0.0);
            minus(&mut sample.active, part.active);
            minus(&mut sample.inactive, part.inactive);
            minus(&mut sample.peak, part.peak);
            minus(&mut sample.connections, part.connections);
            minus(&mut sample.in_packets, part.in_packets);
            minus(&mut sample.out_packets, part.out_packets);
            minus(&mut sample.in_bytes, part.in_bytes);
            minus(&mut sample.out_bytes, part.out_bytes);
        }
    }
    rest
}

/// Whether a line has anything to show.
fn stirs(line: &Line) -> bool {
    let nothing = |sample: &Sample| *sample == Sample::default();
    line.samples.iter().flatten().any(|sample| !nothing(sample))
}

/// The busiest services first, by what the directors counted last.
fn busiest<'a>(content: &'a lvs::Cluster, live: &LiveCluster) -> Vec<&'a VirtualServer> {
    let counters = live
        .active()
        .or_else(|| live.directors.iter().find(|director| director.connected))
        .and_then(|director| director.counters.as_ref());
    let rank = |server: &VirtualServer| {
        let counted = server.key().and_then(|key| counters?.get(&key));
        counted.map_or((0, 0), |counted| ((counted.rates.connections * 100.0) as u64, counted.active))
    };
    let mut servers: Vec<&VirtualServer> = content.virtual_servers.iter().collect();
    servers.sort_by_key(|server| std::cmp::Reverse(rank(server)));
    servers
}

impl Traffic {
    /// By real server of one service, or by service of the whole cluster; what is too much is one line, *other*.
    pub(crate) async fn of(
        member: &Member,
        view: &ClusterView,
        live: &LiveCluster,
        service: Option<&VirtualServer>,
        span: &Span,
    ) -> Result<Self, Error> {
        let base = format!("/clusters/{}", view.id);
        let nothing = lvs::Cluster::default();
        let content = view.running.as_ref().map_or(&nothing, |running| &running.content);
        let (whole, all): (SeriesKey, Vec<Wanted>) = match service {
            Some(service) => {
                let whole = SeriesKey { service: service.key(), server: None };
                let of = |real: &lvs::model::RealServer| Wanted {
                    key: SeriesKey { server: Some(service.server_key(real)), ..whole },
                    name: real.name.clone(),
                    href: Some(format!(
                        "{base}/virtual-servers/{}/real-servers/{}/state",
                        service.id, real.id
                    )),
                };
                (whole, service.real_servers.iter().map(of).collect())
            }
            None => {
                let of = |server: &VirtualServer| {
                    Some(Wanted {
                        key: SeriesKey { service: Some(server.key()?), server: None },
                        name: server.name.clone(),
                        href: Some(format!("{base}/virtual-servers/{}/traffic", server.id)),
                    })
                };
                (SeriesKey::default(), busiest(content, live).into_iter().filter_map(of).collect())
            }
        };
        if service.is_some() && whole.service.is_none() {
            return Ok(Traffic { resolution: Resolution::Fine, lines: Vec::new() });
        }
        let shown = if all.len() > MOST { MOST - 1 } else { all.len() };
        let (wanted, more) = all.split_at_checked(shown).unwrap_or((&all, &[]));
        let keys: Vec<SeriesKey> = wanted.iter().map(|one| one.key).chain([whole]).collect();
        let mut history = member.console().history(&view.id, &keys, span.range).await?;
        let whole = history.lines.pop().unwrap_or_default();
        let mut lines: Vec<(Option<SeriesKey>, Named)> = wanted
            .iter()
            .zip(&history.lines)
            .map(|(one, line)| {
                let named = Named { name: one.name.clone(), href: one.href.clone(), line: line.clone() };
                (Some(one.key), named)
            })
            .collect();
        let rest = rest(&whole, &history.lines);
        if !more.is_empty() && stirs(&rest) {
            let name = member.locale().say("chart-other").with("count", more.len()).to_string();
            lines.push((None, Named { name, href: None, line: rest }));
        }
        Ok(Traffic { resolution: history.resolution, lines })
    }
}

/// Whether an event explains a step in a chart of that service, or of the whole cluster.
fn tells(what: &Happening, of: Option<ServiceKey>) -> bool {
    match what {
        Happening::Verdict { service, .. } => of.is_none_or(|of| of == *service),
        Happening::Activated { .. }
        | Happening::Undone { .. }
        | Happening::State { .. }
        | Happening::Ordered { .. }
        | Happening::ContactLost { .. } => true,
        other => other.severity() >= Severity::Critical,
    }
}

/// What happened in that time, the newest first.
pub(crate) async fn marks(
    member: &Member,
    cluster: &str,
    of: Option<ServiceKey>,
    span: &Span,
) -> Result<Vec<Mark>, Error> {
    let locale = member.locale();
    let query = EventQuery { limit: EVENTS, ..EventQuery::default() };
    let events = member.console().events(cluster, &query).await?;
    let within = span.range.from..span.range.until;
    let shown =
        events.into_iter().filter(|event| within.contains(&event.at.as_second()) && tells(&event.what, of));
    let mark = |event: console::LoggedEvent| Mark {
        at: event.at.as_second(),
        tone: happenings::look(event.what.severity()).0,
        text: happenings::sentence(locale, &event.what),
    };
    Ok(shown.take(MARKS).map(mark).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(fields: &[(&str, &str)]) -> Result<Span, Error> {
        let fields = fields.iter().fold(Fields::default(), |all, (name, value)| all.with(name, value));
        Span::read(&fields, Zone::UTC, 1_000_000)
    }

    #[test]
    fn a_time_is_read_from_the_address_and_written_back() {
        assert_eq!(read(&[]).unwrap().range, HistoryRange { from: 996_400, until: 1_000_000 });
        assert_eq!(read(&[("range", "7d")]).unwrap().query(), "range=7d");
        let given = read(&[("from", "1970-01-01T00:10"), ("until", "1970-01-01T01:00")]).unwrap();
        assert_eq!(given.range, HistoryRange { from: 600, until: 3_600 });
        assert_eq!(given.query(), "from=1970-01-01T00:10:00Z&until=1970-01-01T01:00:00Z");
        let again = read(&[("from", "1970-01-01T00:10:00Z"), ("until", "1970-01-01T01:00:00Z")]).unwrap();
        assert_eq!(again, given);
        for wrong in [
            vec![("range", "1y")],
            vec![("from", "yesterday"), ("until", "1970-01-01T01:00")],
            vec![("from", "1970-01-02T00:00"), ("until", "1970-01-01T01:00")],
            vec![("from", "1970-01-02T00:00"), ("until", "1999-01-01T01:00")],
        ] {
            assert!(read(&wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn what_is_left_of_the_whole_is_never_below_nothing() {
        let line = |actives: &[f64]| {
            let samples = actives.iter().map(|active| Some(Sample { active: *active, ..Sample::default() }));
            Line { start: 0, step_s: 10, samples: samples.collect() }
        };
        let left = rest(&line(&[10.0, 10.0]), &[line(&[3.0, 9.0]), line(&[3.0, 2.0])]);
        let actives: Vec<f64> = left.samples.iter().flatten().map(|sample| sample.active).collect();
        assert_eq!(actives, [4.0, 0.0]);
        assert!(stirs(&left) && !stirs(&line(&[0.0])));
    }
}
