//! What keepalived itself refuses, for `--strict`.
//!
//! keepalived goes on after most errors, so its reader here says them as warnings with what was taken. These are the
//! ones that `keepalived --config-test` reports, so that it ends with a failure (2.2.7, and the sources of 2.3).

use super::source::Outcome;
use crate::finding::{Code, Finding, Severity};

/// Whether keepalived reports this as an error of the configuration.
fn refuses(finding: &Finding) -> bool {
    match finding.code {
        // An instance may leave its priority to keepalived; a service is told what it lacks.
        Code::KeepalivedDefault => finding.args.iter().all(|(_, value)| value != "priority"),
        Code::KeepalivedPasswordUnused => finding.args.iter().any(|(_, value)| value.starts_with("strict")),
        // The old block of SMTP_CHECK is only mentioned in the log.
        Code::KeepalivedOld => {
            finding.args.iter().all(|(_, value)| value != "host" && value != "native_ipv6")
        }
        // Those with a number are any scheduler's.
        Code::KeepalivedFlag => finding.args.iter().all(|(_, value)| !value.starts_with("flag-")),
        code => matches!(
            code,
            Code::ByteOrderMark
                | Code::OddBlank
                | Code::TypographicQuote
                | Code::QuoteOpen
                | Code::BraceMissing
                | Code::BraceStray
                | Code::KeepalivedLineLong
                | Code::KeepalivedRepetition
                | Code::KeepalivedDefinitionBlank
                | Code::KeepalivedSlashLine
                | Code::KeepalivedBraceWide
                | Code::KeepalivedBraceAlone
                | Code::KeepalivedBraceForgotten
                | Code::KeepalivedBraceEarly
                | Code::KeepalivedBlockUnknown
                | Code::KeepalivedBlockMissing
                | Code::KeepalivedConditionBlock
                | Code::KeepalivedStrictState
                | Code::KeepalivedStrictAccept
                | Code::KeepalivedStrictSix
                | Code::KeepalivedGlued
                | Code::KeepalivedProse
                | Code::KeepalivedRange
                | Code::KeepalivedChoice
                | Code::KeepalivedNoEffect
                | Code::KeepalivedOldUnknown
                | Code::KeepalivedOption
                | Code::KeepalivedUnknown
                | Code::KeepalivedMisplaced
                | Code::KeepalivedDevice
                | Code::KeepalivedHostName
                | Code::KeepalivedAuthType
                | Code::KeepalivedAuthWord
                | Code::KeepalivedTrackScriptUnknown
                | Code::KeepalivedGroupMember
                | Code::KeepalivedServiceName
                | Code::KeepalivedServerName
                | Code::KeepalivedNoServer
                | Code::KeepalivedServerFamily
                | Code::KeepalivedServerAgain
                | Code::KeepalivedMark
                | Code::KeepalivedPersistenceOff
                | Code::KeepalivedGranularity
                | Code::KeepalivedGroupEntry
                | Code::KeepalivedCheckIncomplete
                | Code::KeepalivedBytes
                | Code::KeepalivedUrlPath
                | Code::KeepalivedDigest
                | Code::KeepalivedStatus
                | Code::KeepalivedFamilyWord
                | Code::KeepalivedPreemptDelay
                | Code::KeepalivedPasswordMissing
                | Code::VrrpPasswordUnused
                | Code::KeepalivedOps
                | Code::KeepalivedFlagEarly
                | Code::KeepalivedQuorum
                | Code::KeepalivedHysteresis
                | Code::KeepalivedPasswordCut
                | Code::KeepalivedInterval
                | Code::KeepalivedNopreempt
                | Code::KeepalivedFamily
                | Code::KeepalivedGroupSmall
                | Code::KeepalivedPortReset
                | Code::KeepalivedPortAll
                | Code::KeepalivedMarkProtocol
                | Code::KeepalivedMarkPort
                | Code::KeepalivedTrackOwn
                | Code::KeepalivedTrackEarly
                | Code::KeepalivedTrackUnknown
                | Code::KeepalivedTrackAgain
                | Code::KeepalivedTrackGroup
                | Code::KeepalivedTrackGroupWeight
                | Code::KeepalivedScriptSecurity
                | Code::KeepalivedNumber
                | Code::KeepalivedValue
                | Code::KeepalivedNameMissing
                | Code::KeepalivedNameAgain
                | Code::KeepalivedTwice
                | Code::KeepalivedNeeds
                | Code::KeepalivedDeprecated
                | Code::KeepalivedRouteDevice
                | Code::KeepalivedRouteProtocol
                | Code::KeepalivedRuleAction
                | Code::KeepalivedRulePreference
                | Code::KeepalivedPreemptDelayOff
                | Code::KeepalivedNativeSix
                | Code::KeepalivedSourceFamily
                | Code::KeepalivedPeerFamily
                | Code::KeepalivedPeersEmpty
                | Code::KeepalivedWeightsNone
                | Code::NameAssumed
                | Code::ValueMissing
        ),
    }
}

/// The same outcome with everything an error that keepalived refuses, the first of it first.
pub(super) fn strict(mut outcome: Outcome) -> Outcome {
    for (_, finding) in &mut outcome.findings {
        if refuses(finding) {
            finding.severity = Severity::Error;
        }
    }
    if let Some(first) = outcome.findings.iter().position(|(_, finding)| refuses(finding)) {
        let first = outcome.findings.remove(first);
        outcome.findings.insert(0, first);
    }
    if outcome.has_errors() {
        outcome.cluster = None;
        outcome.candidates.clear();
    }
    outcome
}
