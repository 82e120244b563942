//! The parts of a monitor besides its checks: load monitor, damping, slow start, where is asked from.

use lvs::model::{Combine, CommandLine, Damping, LoadMonitor, LoadSource, Monitor, Ramp, SlowStart, Start};

use super::Reader;
use crate::fields::Fields;

/// How several checks add up.
const COMBINES: [(&str, Combine); 2] = [("all", Combine::All), ("any", Combine::Any)];

/// How a weight rises.
const RAMPS: [(&str, Ramp); 2] = [("linear", Ramp::Linear), ("doubling", Ramp::Doubling)];

/// The texts of what is the same for all checks of a monitor.
pub(super) fn texts(fields: Fields, monitor: &Monitor) -> Fields {
    let word = |all: &[(&'static str, Combine)]| {
        all.iter().find(|(_, value)| *value == monitor.combine).map_or("all", |(word, _)| *word)
    };
    let slow = monitor.slow_start;
    let ramp = slow.map(|slow| slow.ramp).unwrap_or_default();
    fields
        .with("combine", word(&COMBINES))
        .with_some("port", monitor.port)
        .with("fall", monitor.fall)
        .with("rise", monitor.rise)
        .with("retry_delay_ms", monitor.retry_delay_ms)
        .with("start", monitor.start.as_str())
        .with_some("spread_ms", monitor.spread_ms)
        .with_some("source", monitor.source)
        .with_some("interface", monitor.interface.as_ref())
        .with_some("mark", monitor.mark)
        .with_tick("data_path", monitor.data_path)
        .with_some("slow_start.seconds", slow.map(|slow| slow.seconds))
        .with("slow_start.ramp", if ramp == Ramp::Doubling { "doubling" } else { "linear" })
        .with_some("damping.failures", monitor.damping.map(|damping| damping.failures))
        .with_some("damping.within_s", monitor.damping.map(|damping| damping.within_s))
        .with_some("damping.hold_s", monitor.damping.map(|damping| damping.hold_s))
}

/// The monitor with those texts put in.
pub(super) fn read(reader: &mut Reader<'_>, old: Monitor) -> Monitor {
    let ramp = reader.choice("slow_start.ramp", &RAMPS, Ramp::Linear);
    let seconds = reader.number("slow_start.seconds", old.slow_start.map(|slow| slow.seconds));
    Monitor {
        combine: reader.choice("combine", &COMBINES, old.combine),
        port: reader.number("port", old.port),
        fall: reader.needed_number("fall", old.fall),
        rise: reader.needed_number("rise", old.rise),
        retry_delay_ms: reader.needed_number("retry_delay_ms", old.retry_delay_ms),
        start: reader.choice("start", &Start::ALL.map(|start| (start.as_str(), start)), old.start),
        spread_ms: reader.number("spread_ms", old.spread_ms),
        source: reader.address("source", old.source),
        interface: reader.device("interface", old.interface.clone()),
        mark: reader.mark("mark", old.mark),
        data_path: reader.ticked("data_path"),
        slow_start: seconds.filter(|seconds| *seconds != 0).map(|seconds| SlowStart { seconds, ramp }),
        damping: damping(reader, old.damping),
        ..old
    }
}

fn damping(reader: &mut Reader<'_>, old: Option<Damping>) -> Option<Damping> {
    let failures = reader.number("damping.failures", old.map(|damping| damping.failures));
    let usual = Damping::default();
    let within = reader.number("damping.within_s", old.map(|damping| damping.within_s));
    let hold = reader.number("damping.hold_s", old.map(|damping| damping.hold_s));
    failures.filter(|failures| *failures != 0).map(|failures| Damping {
        failures,
        within_s: within.unwrap_or(usual.within_s),
        hold_s: hold.unwrap_or(usual.hold_s),
    })
}

/// The texts of a load monitor; `prefix` stands before the names of its fields.
pub(super) fn load_texts(fields: Fields, prefix: &str, load: Option<&LoadMonitor>) -> Fields {
    let name = |field: &str| format!("{prefix}load_monitor.{field}");
    let fields = fields.with(&name("kind"), load.map_or("none", |load| load.source.kind()));
    let Some(load) = load else { return fields };
    let fields = match &load.source {
        LoadSource::Program { command } => fields.with(&name("command"), command),
        LoadSource::Line { port, send } => {
            fields.with(&name("port"), port).with_some(&name("send"), send.as_ref())
        }
        LoadSource::Http { port, path } => fields.with(&name("port"), port).with(&name("path"), path),
    };
    fields
        .with(&name("minimum_percent"), load.minimum_percent)
        .with(&name("maximum_percent"), load.maximum_percent)
        .with(&name("interval_ms"), load.interval_ms)
}

/// The load monitor of those texts. Bounds and interval that are left blank are the usual ones of its kind.
pub(super) fn read_load(reader: &mut Reader<'_>, prefix: &str) -> Option<LoadMonitor> {
    let name = |field: &str| format!("{prefix}load_monitor.{field}");
    let usual = match reader.text(&name("kind")) {
        "none" => return None,
        "program" => {
            let text = reader.text(&name("command")).to_owned();
            if text.is_empty() {
                reader.wrong(&name("command"), "wrong-missing");
            }
            LoadMonitor::piranha(text.parse().unwrap_or_else(|_| {
                reader.wrong(&name("command"), "wrong-command");
                CommandLine::plain(&text)
            }))
        }
        "line" => {
            let send = Some(reader.raw(&name("send")).to_owned()).filter(|text| !text.is_empty());
            LoadMonitor::new(LoadSource::Line { port: reader.needed_number(&name("port"), 0), send })
        }
        "http" => {
            let path = reader.filled(&name("path")).unwrap_or_else(|| "/load".to_owned());
            LoadMonitor::new(LoadSource::Http { port: reader.needed_number(&name("port"), 0), path })
        }
        _ => {
            reader.wrong(&name("kind"), "wrong-choice");
            return None;
        }
    };
    let mut given = |field: &str, usual: u32| reader.number(&name(field), None).unwrap_or(usual);
    Some(LoadMonitor {
        minimum_percent: given("minimum_percent", usual.minimum_percent),
        maximum_percent: given("maximum_percent", usual.maximum_percent),
        interval_ms: given("interval_ms", usual.interval_ms),
        source: usual.source,
    })
}
