//! Events in words: one sentence for each kind, from the catalogue. Decides nothing; pages and API call it.

use std::collections::BTreeSet;

use lvs::failover::{Refused, Sign};
use lvs::health::{OrderEnd, Verdict};
use lvs::journal::{Happening, Severity};
use serde::Serialize;

use crate::locale::Locale;
use crate::page::short;
use crate::text::Message;
use crate::verdicts;

/// A word of the heartbeat as it stands in the catalogue's keys: `partner-silent`, `not-claiming-held`.
pub(crate) fn word(word: &impl Serialize) -> String {
    match serde_json::to_value(word).unwrap_or_default() {
        serde_json::Value::Object(words) => {
            let words =
                words.iter().map(|(word, more)| format!("{word}-{}", more.as_str().unwrap_or_default()));
            words.collect()
        }
        word => word.as_str().unwrap_or_default().to_owned(),
    }
}

/// Why an order is not followed.
pub(crate) fn refused(locale: Locale, refused: Refused) -> String {
    locale.say(format!("refused-{}", word(&refused))).to_string()
}

/// What was found out about a silent partner, a sentence each.
pub(crate) fn signs(locale: Locale, signs: &BTreeSet<Sign>) -> impl Iterator<Item = String> {
    signs.iter().map(move |sign| locale.say(format!("sign-{}", word(sign))).to_string())
}

/// What happened, as one or two sentences.
pub(crate) fn sentence(locale: Locale, what: &Happening) -> String {
    let event = |key: &str| locale.say(format!("event-{key}"));
    let concern = |concern| locale.say(format!("concern-{}", word(concern))).to_string();
    match what {
        Happening::AgentStarted { version } => event("agent-started").with("version", version).to_string(),
        Happening::AgentStopped { release: false } => event("agent-stopped").to_string(),
        Happening::AgentStopped { release: true } => event("agent-stopped-release").to_string(),
        Happening::State { from: _, to, reason, epoch: _, evidence } => {
            let state = event(&format!("state-{}", to.as_str())).to_string();
            match reason {
                Some(reason) => {
                    let reason = locale.say(format!("reason-{}", word(reason))).to_string();
                    let said = [state, reason].into_iter().chain(signs(locale, evidence));
                    said.collect::<Vec<_>>().join(" ")
                }
                None => state,
            }
        }
        Happening::ConcernRaised { concern: raised } => concern(raised),
        Happening::ConcernCleared { concern: cleared } => {
            event("concern-cleared").with("concern", concern(cleared)).to_string()
        }
        Happening::Order { order, force, refused: reason } => {
            let order = event(&format!("order-{}", word(order)));
            let order = if *force { event("order-forced").with("order", order.to_string()) } else { order };
            match reason {
                Some(reason) => event("order-refused")
                    .with("order", order.to_string())
                    .with("reason", refused(locale, *reason))
                    .to_string(),
                None => order.to_string(),
            }
        }
        Happening::Configured { revision, steps, failures: 0 } => {
            event("configured").with("revision", *revision).with("steps", *steps).to_string()
        }
        Happening::Configured { revision, steps, failures } => {
            let message: Message = event("configured-failures").with("revision", *revision);
            message.with("steps", *steps).with("failures", *failures).to_string()
        }
        Happening::Drifted { row, held: false } => event("drifted").with("row", row).to_string(),
        Happening::Drifted { row, held: true } => event("drifted-held").with("row", row).to_string(),
        Happening::Repaired { row } => event("repaired").with("row", row).to_string(),
        Happening::Verdict { service, server, to, reason, .. } => {
            let event = locale.say(format!("event-verdict-{}", to.as_str()));
            let event = event.with("server", server.to_string()).with("service", service.to_string());
            match to {
                Verdict::Up => event.to_string(),
                _ => event.with("why", verdicts::why(locale, reason)).to_string(),
            }
        }
        Happening::LeaseFailed { reason } => event("lease-failed").with("reason", reason).to_string(),
        Happening::LeaseRenewed => event("lease-renewed").to_string(),
        Happening::LinkLost { interface, trouble } => {
            event(&format!("link-{}", trouble.as_str())).with("interface", interface).to_string()
        }
        Happening::LinkBack { interface } => event("link-back").with("interface", interface).to_string(),
        Happening::HookRan { active, failed } => {
            let state = if *active { "active" } else { "inactive" };
            match failed {
                None => event(&format!("hook-{state}")).to_string(),
                Some(reason) => event(&format!("hook-{state}-failed")).with("reason", reason).to_string(),
            }
        }
        Happening::ContactMade => event("contact-made").to_string(),
        Happening::ContactLost { reason } => event("contact-lost").with("reason", reason).to_string(),
        Happening::Activated { revision, by, message } => {
            let key = if message.is_empty() { "activated" } else { "activated-message" };
            let sentence = event(key).with("revision", *revision).with("by", short(by));
            sentence.with("message", message).to_string()
        }
        Happening::OnTrial { revision, seconds } => {
            event("on-trial").with("revision", *revision).with("seconds", *seconds).to_string()
        }
        Happening::Kept { revision, by } if by.is_empty() => {
            event("kept-here").with("revision", *revision).to_string()
        }
        Happening::Kept { revision, by } => {
            event("kept").with("revision", *revision).with("by", short(by)).to_string()
        }
        Happening::WentBack { revision, to } => {
            event("went-back").with("revision", *revision).with("to", *to).to_string()
        }
        Happening::Undone { revision, new, by } if by.is_empty() => {
            event("undone-unkept").with("revision", *revision).with("new", *new).to_string()
        }
        Happening::Undone { revision, new, by } => {
            event("undone").with("revision", *revision).with("new", *new).with("by", short(by)).to_string()
        }
        Happening::Ordered { server, instruction, by, reason } => {
            let ordered = event(&format!("ordered-{}", instruction.as_str()));
            let ordered = ordered.with("server", server).with("by", short(by)).to_string();
            match reason.as_str() {
                "" => ordered,
                reason => format!("{ordered} {}", locale.say("ordered-reason").with("reason", reason)),
            }
        }
        Happening::OrderCame { service, server, end } => {
            let came = event(&format!("order-came-{}", end.as_str()));
            let came = came.with("server", server.to_string()).with("service", service.to_string());
            match end {
                OrderEnd::Overdue { left } => came.with("left", left.unwrap_or_default()).to_string(),
                OrderEnd::Drained | OrderEnd::Cut | OrderEnd::Ended => came.to_string(),
            }
        }
        Happening::Unknown(_) => event("unknown").with("kind", what.word()).to_string(),
    }
}

/// Tone and icon of a severity.
pub(crate) fn look(severity: Severity) -> (&'static str, &'static str) {
    match severity {
        Severity::Info => ("idle", "info"),
        Severity::Warning => ("warn", "warn"),
        Severity::Critical => ("bad", "bad"),
    }
}
