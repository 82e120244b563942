//! EDIT MONITORING SCRIPTS.

use lvs::model::{Check, Monitor};

use super::{Bound, Reader};
use crate::fields::Fields;

/// What is asked of the real servers, and what they must answer.
pub(crate) enum ScriptsForm {}

impl Bound for ScriptsForm {
    type Object = Monitor;

    const KNOWN: &'static [&'static str] =
        &["check.command", "check.send", "check.expect", "expect_empty", "check.regex"];

    fn texts(monitor: &Monitor) -> Fields {
        let (command, send, expect, regex) = match monitor.checks.first() {
            Some(Check::SendExpect { send, expect, regex }) => (None, send.clone(), expect.clone(), *regex),
            Some(Check::Program { command, expect, send, regex }) => {
                (Some(command.clone()), send.clone(), expect.clone(), *regex)
            }
            _ => (None, None, None, false),
        };
        Fields::default()
            .with_some("check.command", command)
            .with_some("check.send", send)
            .with_tick("expect_empty", expect.as_deref() == Some(""))
            .with_some("check.expect", expect)
            .with_tick("check.regex", regex)
    }

    fn read(reader: &mut Reader<'_>, old: Monitor) -> Monitor {
        // Blanks at the ends of a protocol text may matter, so these fields are taken as they are.
        let raw = |name: &str| Some(reader.raw(name).to_owned()).filter(|text| !text.is_empty());
        let send = raw("check.send");
        let expect = raw("check.expect").or_else(|| reader.ticked("expect_empty").then(String::new));
        let regex = reader.ticked("check.regex");
        let check = match (reader.filled("check.command"), send, expect) {
            (Some(command), send, expect) => Check::Program { command, expect, send, regex },
            (None, None, None) if !regex => Check::Connect,
            (None, send, expect) => Check::SendExpect { send, expect, regex },
        };
        Monitor { checks: vec![check], ..old }
    }
}
