//! What checks say, in words: why a real server counts as up or down, and what went wrong. Decides nothing; pages and events
//! call it.

use console::LiveDirector;
use lvs::health::{DnsFailure, Failure, ProgramFailure, Reason, Trouble, Verdict};
use lvs::wire::CheckerStatus;

use crate::happenings::word;
use crate::locale::Locale;

/// The word for a verdict.
pub(crate) fn verdict(locale: Locale, verdict: Verdict) -> String {
    locale.say(format!("health-{}", verdict.as_str())).to_string()
}

/// Why a verdict was given, as a sentence.
pub(crate) fn why(locale: Locale, reason: &Reason) -> String {
    let text = |key: &str| locale.say(format!("why-{key}"));
    match reason {
        Reason::Started => text("started").to_string(),
        Reason::Asked => text("asked").to_string(),
        Reason::Unchecked => text("unchecked").to_string(),
        Reason::Answered { .. } => text("answered").to_string(),
        Reason::Failed { failure: what, failures } => {
            let what = failure(locale, what);
            text("failed").with("failure", what).with("failures", *failures).to_string()
        }
        Reason::Reentering { successes, needed } => {
            text("reentering").with("successes", *successes).with("needed", *needed).to_string()
        }
        Reason::Damped { falls, hold_ms } => {
            text("damped").with("falls", *falls).with("seconds", *hold_ms / 1000).to_string()
        }
    }
}

/// How a server failed, as a sentence.
pub(crate) fn failure(locale: Locale, failure: &Failure) -> String {
    let text = |key: String| locale.say(format!("failure-{key}"));
    match failure {
        Failure::TimedOut { phase } => text(format!("timed-out-{}", word(phase))).to_string(),
        Failure::Status { code } => text("status".to_owned()).with("code", *code).to_string(),
        Failure::Tls { reason } => text(format!("tls-{}", word(reason))).to_string(),
        Failure::Program { reason: ProgramFailure::Exit { status } } => {
            text("program-exit".to_owned()).with("status", status.to_string()).to_string()
        }
        Failure::Program { reason: ProgramFailure::Signal { signal } } => {
            text("program-signal".to_owned()).with("signal", signal.to_string()).to_string()
        }
        Failure::Program { reason: ProgramFailure::Missing } => {
            text("program-missing".to_owned()).to_string()
        }
        Failure::Program { reason: ProgramFailure::TimedOut } => {
            text("program-timed-out".to_owned()).to_string()
        }
        Failure::Dns { reason: DnsFailure::Code { code } } => {
            text("dns-code".to_owned()).with("code", u32::from(*code)).to_string()
        }
        Failure::Dns { reason: DnsFailure::Answer } => text("dns-answer".to_owned()).to_string(),
        Failure::Agent { says } => text("agent".to_owned()).with("says", says).to_string(),
        plain => text(plain.as_str().to_owned()).to_string(),
    }
}

/// Why a checker cannot ask, as a sentence.
pub(crate) fn trouble(locale: Locale, trouble: Trouble) -> String {
    locale.say(format!("trouble-{}", trouble.as_str())).to_string()
}

/// What is wrong with a director's checker of a real server, as a sentence; none where it works.
pub(crate) fn checker(locale: Locale, director: &LiveDirector, status: CheckerStatus) -> Option<String> {
    let silent = director.status.as_ref().and_then(|status| status.checking.as_ref()?.silent_s);
    of_checker(locale, silent, status)
}

/// The same of one that as a whole has done nothing for so long, if it has: what it said of single servers is as old.
fn of_checker(locale: Locale, silent_s: Option<u64>, status: CheckerStatus) -> Option<String> {
    let stuck = |seconds| locale.say("server-checker-stuck").with("seconds", seconds).to_string();
    match (silent_s, status) {
        (Some(silent_s), _) | (None, CheckerStatus::Stuck { silent_s }) => Some(stuck(silent_s)),
        (None, CheckerStatus::Troubled { trouble: why }) => Some(trouble(locale, why)),
        (None, CheckerStatus::Working) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Language;
    use lvs::health::{Phase, TlsFailure};

    #[test]
    fn a_checker_that_is_stuck_is_said_like_one_in_trouble() {
        for locale in Language::ALL.map(Locale::from) {
            let said = |silent_s, status| of_checker(locale, silent_s, status);
            assert_eq!(said(None, CheckerStatus::Working), None);
            let stuck = said(None, CheckerStatus::Stuck { silent_s: 42 }).unwrap();
            assert!(stuck.contains("42"), "{stuck}");
            let troubled = CheckerStatus::Troubled { trouble: Trouble::Late };
            assert_eq!(said(None, troubled), Some(trouble(locale, Trouble::Late)));
            assert!(said(Some(77), CheckerStatus::Working).is_some_and(|text| text.contains("77")));
        }
    }

    #[test]
    fn every_reason_has_its_sentence_in_both_languages() {
        let mut failures = vec![
            Failure::Refused,
            Failure::Reset,
            Failure::Unreachable,
            Failure::ClosedEarly,
            Failure::Mismatch,
            Failure::Protocol,
            Failure::DataPathRefused,
            Failure::Status { code: 503 },
            Failure::Agent { says: "disk".to_owned() },
            Failure::Dns { reason: DnsFailure::Answer },
            Failure::Dns { reason: DnsFailure::Code { code: 2 } },
        ];
        let phases = [Phase::Connect, Phase::Tls, Phase::FirstByte, Phase::Total, Phase::DataPath];
        failures.extend(phases.map(|phase| Failure::TimedOut { phase }));
        let reasons = [
            TlsFailure::Expired,
            TlsFailure::NotYetValid,
            TlsFailure::Name,
            TlsFailure::Untrusted,
            TlsFailure::Revoked,
            TlsFailure::ClientCertificate,
            TlsFailure::Handshake,
            TlsFailure::NotTls,
        ];
        failures.extend(reasons.map(|reason| Failure::Tls { reason }));
        let ends = [
            ProgramFailure::Missing,
            ProgramFailure::Exit { status: 1 },
            ProgramFailure::Signal { signal: 9 },
            ProgramFailure::TimedOut,
        ];
        failures.extend(ends.map(|reason| Failure::Program { reason }));
        let troubles = [
            Trouble::Descriptors,
            Trouble::SourceAddress,
            Trouble::Resolver,
            Trouble::Resources,
            Trouble::Permission,
            Trouble::NotPossibleHere,
            Trouble::CutOff,
            Trouble::Lost,
            Trouble::Late,
        ];
        for locale in Language::ALL.map(Locale::from) {
            let said = failures.iter().map(|what| failure(locale, what));
            let said = said.chain(troubles.map(|what| trouble(locale, what)));
            for sentence in said {
                assert!(sentence.contains([' ', '。', '：']) || !sentence.is_ascii(), "{sentence}");
                assert!(!sentence.starts_with("failure-") && !sentence.starts_with("trouble-"), "{sentence}");
            }
        }
    }
}
