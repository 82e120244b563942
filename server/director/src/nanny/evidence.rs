//! What is kept of a question's answers: the last success and the last failure in full, and the last twenty in short.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

use lvs::health::Outcome;
use lvs::wire::{Evidence, Recent, Timings};

use super::probe::{Answer, Question, shown};

/// Answers that are kept in short.
const RECENT: usize = 20;

/// The notes about one question.
#[derive(Debug, Default)]
pub(super) struct Notes {
    success: Option<Box<Note>>,
    failure: Option<Box<Note>>,
    trouble: Option<Box<Note>>,
    recent: VecDeque<Short>,
}

/// An answer with the time of day at its beginning.
#[derive(Debug)]
struct Note {
    answer: Answer,
    at: SystemTime,
}

#[derive(Clone, Debug)]
struct Short {
    at: SystemTime,
    took: Duration,
    outcome: Outcome,
}

impl Notes {
    pub(super) fn take(&mut self, question: &Question, answer: Answer) {
        let at = began(&answer);
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(Short { at, took: answer.marks.total, outcome: answer.outcome.clone() });
        let place = match &answer.outcome {
            Outcome::Up { .. } => {
                self.trouble = None;
                &mut self.success
            }
            Outcome::Down(_) => {
                self.trouble = None;
                &mut self.failure
            }
            Outcome::Undecided(trouble) => {
                if self.trouble.is_none() {
                    let detail = answer.detail.as_deref().unwrap_or_default();
                    let reason = trouble.as_str();
                    tracing::warn!(target = %question.target, reason, detail, "a check cannot be asked");
                }
                &mut self.trouble
            }
        };
        match place {
            // The box is used again: this happens for every probe.
            Some(note) => **note = Note { answer, at },
            None => *place = Some(Box::new(Note { answer, at })),
        }
    }

    pub(super) fn success(&self, question: &Question) -> Option<Evidence> {
        self.success.as_ref().map(|note| evidence(question, &note.answer, note.at))
    }

    pub(super) fn failure(&self, question: &Question) -> Option<Evidence> {
        self.failure.as_ref().map(|note| evidence(question, &note.answer, note.at))
    }

    /// Why the last question could not be asked.
    pub(super) fn trouble(&self, question: &Question) -> Option<Evidence> {
        self.trouble.as_ref().map(|note| evidence(question, &note.answer, note.at))
    }

    pub(super) fn recent(&self) -> Vec<Recent> {
        let shown = |short: &Short| Recent {
            at_s: wall_s(short.at),
            took_us: micros(short.took),
            failure: match &short.outcome {
                Outcome::Down(failure) => Some(failure.clone()),
                _ => None,
            },
            trouble: match &short.outcome {
                Outcome::Undecided(trouble) => Some(*trouble),
                _ => None,
            },
        };
        self.recent.iter().map(shown).collect()
    }
}

/// The time of day at which a probe began that has just ended.
fn began(answer: &Answer) -> SystemTime {
    let now = SystemTime::now();
    now.checked_sub(answer.marks.total).unwrap_or(now)
}

/// An answer that has just come, as it is shown.
pub(super) fn shown_now(question: &Question, answer: &Answer) -> Evidence {
    evidence(question, answer, began(answer))
}

/// An answer as it is shown.
fn evidence(question: &Question, answer: &Answer, at: SystemTime) -> Evidence {
    let marks = &answer.marks;
    let secrets = question.asked.secrets();
    Evidence {
        at_s: wall_s(at),
        outcome: answer.outcome.clone(),
        detail: answer.detail.as_deref().map(shortened),
        target: question.target.to_string(),
        source: marks.source.map(|source| source.to_string()),
        timings: Timings {
            connect_us: marks.connect.map(micros),
            tls_us: marks.tls.map(micros),
            first_byte_us: marks.first_byte.map(micros),
            total_us: micros(marks.total),
        },
        sent: shown(&marks.sent, secrets),
        sent_bytes: marks.sent_bytes,
        received: shown(&marks.received, secrets),
        received_bytes: marks.received_bytes,
        certificate_ends_s: marks.certificate_ends_s,
    }
}

/// Details come from servers as well: no more than a sentence, and no control characters.
fn shortened(detail: &str) -> String {
    detail.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect()
}

/// Seconds since 1970.
pub(super) fn wall_s(at: SystemTime) -> i64 {
    wall_ms(at) / 1000
}

/// Milliseconds since 1970.
pub(super) fn wall_ms(at: SystemTime) -> i64 {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
