//! What probes saw, ready to be read: evidence, the strip of recent results, and the look of a verdict. Decides nothing.

use lvs::health::{Outcome, Verdict};
use lvs::wire::{CheckEvidence, Evidence, Recent};

use crate::figures::milliseconds;
use crate::locale::Locale;
use crate::verdicts;

/// Tone, icon and word of a verdict.
#[derive(Clone)]
pub(crate) struct Look {
    pub(crate) tone: &'static str,
    pub(crate) icon: &'static str,
    pub(crate) word: String,
}

impl Look {
    pub(crate) fn of(locale: Locale, verdict: Verdict) -> Self {
        let (tone, icon) = match verdict {
            Verdict::Up => ("good", "up"),
            Verdict::Down => ("bad", "down"),
            Verdict::ReEntering => ("warn", "starting"),
            Verdict::Unknown => ("idle", "idle"),
        };
        Look { tone, icon, word: verdicts::verdict(locale, verdict) }
    }
}

/// One probe: a name and a value each line, and what went over the wire.
pub(crate) struct Probe {
    pub(crate) good: bool,
    pub(crate) outcome: String,
    pub(crate) facts: Vec<(String, String)>,
    pub(crate) sent: String,
    pub(crate) sent_bytes: u64,
    pub(crate) received: String,
    pub(crate) received_bytes: u64,
}

impl Probe {
    pub(crate) fn of(locale: Locale, evidence: &Evidence) -> Self {
        let outcome = match &evidence.outcome {
            Outcome::Up { .. } => locale.say("evidence-good").to_string(),
            Outcome::Down(failure) => verdicts::failure(locale, failure),
            Outcome::Undecided(trouble) => verdicts::trouble(locale, *trouble),
        };
        let mut facts = Vec::new();
        let mut fact = |key: &'static str, value: Option<String>| {
            facts.extend(value.map(|value| (locale.say(key).to_string(), value)));
        };
        let timings = &evidence.timings;
        fact("evidence-at", Some(locale.moment_of(evidence.at_s)));
        fact(
            "evidence-class",
            match &evidence.outcome {
                Outcome::Down(failure) => Some(failure.as_str().to_owned()),
                Outcome::Undecided(trouble) => Some(trouble.as_str().to_owned()),
                Outcome::Up { .. } => None,
            },
        );
        fact("evidence-target", Some(evidence.target.clone()));
        fact("evidence-source", evidence.source.clone());
        fact("evidence-connect", timings.connect_us.map(milliseconds));
        fact("evidence-tls", timings.tls_us.map(milliseconds));
        fact("evidence-first-byte", timings.first_byte_us.map(milliseconds));
        fact("evidence-total", Some(milliseconds(timings.total_us)));
        fact("evidence-certificate", evidence.certificate_ends_s.map(|at| locale.moment_of(at)));
        fact("evidence-detail", evidence.detail.clone());
        Probe {
            good: matches!(evidence.outcome, Outcome::Up { .. }),
            outcome,
            facts,
            sent: evidence.sent.clone(),
            sent_bytes: evidence.sent_bytes,
            received: evidence.received.clone(),
            received_bytes: evidence.received_bytes,
        }
    }
}

/// One of the recent results as a bar: how high, and what it was.
pub(crate) struct Bar {
    pub(crate) x: usize,
    pub(crate) y: u64,
    pub(crate) height: u64,
    pub(crate) kind: &'static str,
    /// Said on hovering; good ones say nothing.
    pub(crate) title: Option<String>,
}

/// Height of the strip above its base line, and below it.
const ABOVE: u64 = 24;
const BELOW: u64 = 12;

/// What one check has seen.
pub(crate) struct Check {
    pub(crate) kind: String,
    pub(crate) look: Look,
    pub(crate) success: Option<Probe>,
    pub(crate) failure: Option<Probe>,
    pub(crate) trouble: Option<Probe>,
    pub(crate) bars: Vec<Bar>,
    pub(crate) summary: String,
}

impl Check {
    pub(crate) fn of(locale: Locale, evidence: &CheckEvidence) -> Self {
        let probe = |one: &Option<Evidence>| one.as_ref().map(|one| Probe::of(locale, one));
        let failed = evidence.recent.iter().filter(|one| one.failure.is_some()).count();
        let unasked = evidence.recent.iter().filter(|one| one.trouble.is_some()).count();
        let summary = locale
            .say("evidence-recent")
            .with("count", evidence.recent.len())
            .with("failed", failed)
            .with("unasked", unasked);
        Check {
            kind: locale.say(format!("check-{}", evidence.kind)).to_string(),
            look: Look::of(locale, evidence.verdict),
            success: probe(&evidence.success),
            failure: probe(&evidence.failure),
            trouble: probe(&evidence.trouble),
            bars: bars(locale, &evidence.recent),
            summary: summary.to_string(),
        }
    }

    /// Width of the strip.
    pub(crate) fn width(&self) -> usize {
        self.bars.len().max(30) * 5
    }
}

/// Good ones stand on the line, failed ones hang from it, those that could not be asked lie on it; the longer it took
/// the higher, compared to the slowest.
fn bars(locale: Locale, recent: &[Recent]) -> Vec<Bar> {
    let slowest = recent.iter().map(|one| one.took_us).max().unwrap_or(1).max(1);
    let one = |(index, one): (usize, &Recent)| {
        let share = |room: u64| (one.took_us.saturating_mul(room) / slowest).max(3);
        let said = |what: String| {
            locale.say("evidence-bar").with("at", locale.moment_of(one.at_s)).with("what", what).to_string()
        };
        let (y, height, kind, title) = match (&one.failure, one.trouble) {
            (Some(failure), _) => {
                (ABOVE, share(BELOW), "failed", Some(said(verdicts::failure(locale, failure))))
            }
            (None, Some(trouble)) => {
                (ABOVE - 2, 4, "unasked", Some(said(verdicts::trouble(locale, trouble))))
            }
            (None, None) => {
                let height = share(ABOVE);
                (ABOVE - height, height, "good", None)
            }
        };
        Bar { x: index * 5, y, height, kind, title }
    };
    recent.iter().enumerate().map(one).collect()
}
