//! What services hand down to their real servers and those to their checkers: times, tries, and the name of the host.

use std::collections::BTreeMap;

use super::names;
use super::reader::{Reader, Seconds};
use super::tree::Statement;
use crate::finding::Code;
use crate::model::{
    MONITOR_INTERVAL_MAXIMUM_MS, MONITOR_INTERVAL_MINIMUM_MS, MONITOR_TIMEOUT_MAXIMUM_MS, TRIES_MAXIMUM,
};

/// Where keepalived refuses a number of tries.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// A service or a real server: at least one further try.
    Outer,
    /// A checker: none is possible.
    Checker,
    /// A checker of web pages, which also knows the old spelling.
    Web,
}

/// Times and tries that one level names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Timing {
    /// Time between two checks, milliseconds.
    pub(super) delay_loop: Option<u32>,
    /// Further tries after a failure.
    pub(super) retry: Option<u32>,
    /// Time before a further try, milliseconds.
    pub(super) delay_before_retry: Option<u32>,
    /// Time that a check may take, milliseconds.
    pub(super) connect_timeout: Option<u32>,
    /// Time over which first checks are spread, milliseconds.
    pub(super) warmup: Option<u32>,
    /// Whether servers count as down until their first result.
    pub(super) alpha: Option<bool>,
    /// Name of the host that web checks ask for.
    pub(super) virtualhost: Option<String>,
}

impl Timing {
    /// Its own values, and of those it does not name the outer level's.
    pub(super) fn within(self, outer: &Timing) -> Timing {
        Timing {
            delay_loop: self.delay_loop.or(outer.delay_loop),
            retry: self.retry.or(outer.retry),
            delay_before_retry: self.delay_before_retry.or(outer.delay_before_retry),
            connect_timeout: self.connect_timeout.or(outer.connect_timeout),
            warmup: self.warmup.or(outer.warmup),
            alpha: self.alpha.or(outer.alpha),
            virtualhost: self.virtualhost.or_else(|| outer.virtualhost.clone()),
        }
    }

    /// Reads a statement where it is one of these; whether it was.
    pub(super) fn read(&mut self, reader: &mut Reader<'_>, statement: &Statement, level: Level) -> bool {
        match statement.keyword.text.as_str() {
            "delay_loop" => {
                let outer = self.delay_loop.unwrap_or(60_000);
                let read = reader.milliseconds(statement, 1, u32::MAX, outer);
                let bounds = (MONITOR_INTERVAL_MINIMUM_MS, MONITOR_INTERVAL_MAXIMUM_MS);
                self.delay_loop = bounded(reader, statement, read, bounds).or(self.delay_loop);
            }
            "connect_timeout" => {
                let read = reader.milliseconds(statement, 1, 4_294_967, 5_000);
                let bounds = (1, MONITOR_TIMEOUT_MAXIMUM_MS);
                self.connect_timeout = bounded(reader, statement, read, bounds).or(self.connect_timeout);
            }
            "delay_before_retry" => {
                let read = reader.milliseconds(statement, 0, u32::MAX, 1_000);
                let bounds = (0, MONITOR_INTERVAL_MAXIMUM_MS);
                self.delay_before_retry =
                    bounded(reader, statement, read, bounds).or(self.delay_before_retry);
            }
            "warmup" => {
                let read = reader.milliseconds(statement, 0, u32::MAX, 0);
                let bounds = (0, MONITOR_INTERVAL_MAXIMUM_MS);
                self.warmup = bounded(reader, statement, read, bounds).or(self.warmup);
            }
            "retry" => self.retry(reader, statement, level),
            "nb_get_retry" => {
                // Checkers of web pages still read it.
                let code = if level == Level::Web { Code::KeepalivedOld } else { Code::KeepalivedOldUnknown };
                reader
                    .warn(statement.origin(), code)
                    .with("word", "nb_get_retry")
                    .with("meaning", "retry")
                    .suggest(Some(format!("retry {}", statement.words())));
                self.retry(reader, statement, level);
            }
            "alpha" => self.alpha = Some(reader.switch(statement, false)),
            "virtualhost" => {
                self.virtualhost = names::host(reader, statement).or(self.virtualhost.take());
            }
            _ => return false,
        }
        true
    }

    fn retry(&mut self, reader: &mut Reader<'_>, statement: &Statement, level: Level) {
        let least = u32::from(level == Level::Outer);
        let Some(retry) = reader.number(statement, least, u32::MAX, self.retry.unwrap_or(1)) else { return };
        let most = TRIES_MAXIMUM - 1;
        if retry > most {
            rounded(reader, statement, &retry.to_string(), &most.to_string());
        }
        self.retry = Some(retry.min(most));
    }
}

fn bounded(
    reader: &mut Reader<'_>,
    statement: &Statement,
    value: Option<u32>,
    (least, most): (u32, u32),
) -> Option<u32> {
    let value = value?;
    let taken = value.clamp(least, most);
    if taken != value {
        rounded(reader, statement, &Seconds(value).to_string(), &Seconds(taken).to_string());
    }
    Some(taken)
}

fn rounded(reader: &mut Reader<'_>, statement: &Statement, text: &str, taken: &str) {
    reader
        .warn(statement.value_origin(), Code::KeepalivedRounded)
        .with("word", &statement.keyword.text)
        .with("text", text)
        .with("taken", taken);
}

/// The commonest of some values, the first one where several are.
pub(super) fn commonest<'v, T: PartialEq>(values: impl Iterator<Item = &'v T>) -> Option<&'v T> {
    let mut counts: Vec<(&T, usize)> = Vec::new();
    for value in values {
        // What is rare among many need not be counted.
        if counts.len() > 32 {
            break;
        }
        match counts.iter_mut().find(|(known, _)| *known == value) {
            Some((_, count)) => *count += 1,
            None => counts.push((value, 1)),
        }
    }
    let most = counts.iter().map(|(_, count)| *count).max()?;
    counts.into_iter().find(|(_, count)| *count == most).map(|(value, _)| value)
}

/// Puts words aside by key; used where several readers share one map.
pub(super) type Kept = BTreeMap<String, String>;
