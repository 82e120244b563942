//! EDIT MONITORING SCRIPTS: what is asked of real servers, how often, and how many answers it takes.

use lvs::model::{Check, Monitor};

use super::{Bound, Reader, Row, checks, policy, rows};
use crate::fields::Fields;

/// The names that both forms have, and those given.
macro_rules! known {
    ($($more:literal),*) => {
        &[
            "checks",
            "checks.*.kind",
            "checks.*.command",
            "checks.*.weight",
            "checks.*.send",
            "checks.*.expect",
            "checks.*.expect_empty",
            "checks.*.matching",
            "checks.*.regex",
            "checks.*.secure",
            "checks.*.method",
            "checks.*.path",
            "checks.*.host",
            "checks.*.version",
            "checks.*.headers",
            "checks.*.authorization",
            "checks.*.no_authorization",
            "checks.*.status",
            "checks.*.digest",
            "checks.*.body.text",
            "checks.*.body.regex",
            "checks.*.body.absent",
            "checks.*.tls.name",
            "checks.*.tls.send_name",
            "checks.*.tls.verify",
            "checks.*.tls.expiry_days",
            "checks.*.tls.authorities",
            "checks.*.tls.identity.certificate",
            "checks.*.tls.identity.key",
            "checks.*.helo",
            "checks.*.name",
            "checks.*.record",
            "checks.*.answer",
            "checks.*.reply_needed",
            "checks.*.user",
            "checks.*.database",
            "checks.*.password",
            "checks.*.no_password",
            "checks.*.address",
            "checks.*.port",
            "checks.*.source",
            "checks.*.source_port",
            "checks.*.interface",
            "checks.*.mark",
            "checks.*.interval_ms",
            "checks.*.timeout_ms",
            "checks.*.fall",
            "checks.*.retry_delay_ms",
            "combine",
            "port",
            "fall",
            "rise",
            "retry_delay_ms",
            "start",
            "spread_ms",
            "source",
            "interface",
            "mark",
            "data_path",
            "slow_start.seconds",
            "slow_start.ramp",
            "damping.failures",
            "damping.within_s",
            "damping.hold_s",
            $($more),*
        ]
    };
}

/// The checks of a virtual server. Its interval, timeout, re-entry time and load monitor are on the page of the
/// virtual server, where Piranha had them.
pub(crate) enum ScriptsForm {}

/// The checks of one real server in place of the virtual server's, or none of its own.
pub(crate) enum OwnScriptsForm {}

impl Bound for ScriptsForm {
    type Object = Monitor;

    const KNOWN: &'static [&'static str] = known!();

    fn texts(monitor: &Monitor) -> Fields {
        let fields = policy::texts(Fields::default(), monitor);
        monitor.checks.iter().enumerate().fold(fields, |fields, (index, check)| {
            let was = Row::new("checks", index).name("was");
            with_check(fields, check).with(&was, index)
        })
    }

    fn read(reader: &mut Reader<'_>, old: Monitor) -> Monitor {
        let rows = reader.rows("checks");
        let checks = rows.iter().map(|row| checks::read(reader, row, &old.checks)).collect();
        Monitor { checks, ..policy::read(reader, old) }
    }
}

impl Bound for OwnScriptsForm {
    type Object = (bool, Monitor);

    const KNOWN: &'static [&'static str] = known!(
        "own",
        "interval_ms",
        "timeout_ms",
        "reentry_s",
        "load_monitor.kind",
        "load_monitor.command",
        "load_monitor.port",
        "load_monitor.send",
        "load_monitor.path",
        "load_monitor.minimum_percent",
        "load_monitor.maximum_percent",
        "load_monitor.interval_ms"
    );

    /// Whether the checks are the server's own, and what they are or would begin as.
    fn texts((own, monitor): &(bool, Monitor)) -> Fields {
        let fields = policy::load_texts(ScriptsForm::texts(monitor), "", monitor.load_monitor.as_ref());
        fields
            .with("own", if *own { "own" } else { "service" })
            .with("interval_ms", monitor.interval_ms)
            .with("timeout_ms", monitor.timeout_ms)
            .with("reentry_s", monitor.reentry_s)
    }

    fn read(reader: &mut Reader<'_>, (own, old): (bool, Monitor)) -> (bool, Monitor) {
        let own = reader.choice("own", &[("own", true), ("service", false)], own);
        if !own {
            return (false, old);
        }
        let monitor = ScriptsForm::read(reader, old);
        let monitor = Monitor {
            interval_ms: reader.needed_number("interval_ms", monitor.interval_ms),
            timeout_ms: reader.needed_number("timeout_ms", monitor.timeout_ms),
            reentry_s: reader.needed_number("reentry_s", monitor.reentry_s),
            load_monitor: policy::read_load(reader, ""),
            ..monitor
        };
        (true, monitor)
    }
}

/// The fields with one more check at the end.
pub(crate) fn with_check(fields: Fields, check: &Check) -> Fields {
    let row = Row::new("checks", rows::of(&fields, "checks").len());
    checks::texts(fields, &row, check)
}
