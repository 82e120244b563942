//! Values of lines for the original daemons, and what they cannot express.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::IpAddr;

use crate::finding::{Code, Finding, Findings};
use crate::format::lvs_cf::KEPT_TEXT;
use crate::format::lvs_cf::lexer::{Quote, looks_cut, words};
use crate::format::lvs_cf::strict::accepts;
use crate::format::lvs_cf::vocabulary::Scope;
use crate::model::{Cluster, Forwarding, Tunnel};
use crate::table::Family;

use super::sheet::{Entry, head};

/// Longest line that the old pages write back whole, bytes.
const LINE_MAXIMUM: usize = 79;
/// The same for the lines of a check.
const CHECK_LINE_MAXIMUM: usize = 299;

/// Gathers what cannot be written while values are made.
#[derive(Debug, Default)]
pub(super) struct Writer {
    /// What was refused since somebody took it.
    pub(super) refused: Findings,
    /// What the daemons read and the old pages damage.
    pub(super) damaged: Findings,
}

/// A line's value, and the field it comes from.
pub(super) struct Value {
    pub(super) text: String,
    pub(super) pointer: String,
}

impl Writer {
    pub(super) fn refuse(&mut self, pointer: impl Into<String>, code: Code) {
        self.refused.push(Finding::field(pointer, code));
    }

    pub(super) fn refuse_with(
        &mut self,
        pointer: impl Into<String>,
        code: Code,
        name: &'static str,
        value: impl Display,
    ) {
        self.refused.push(Finding::field(pointer, code).with(name, value));
    }

    /// The lines of one block: what the model has a value for, and what was kept of the rest.
    pub(super) fn entries(
        &mut self,
        scope: Scope,
        indent: usize,
        kept: (&BTreeMap<String, String>, &str),
        mut value: impl FnMut(&mut Self, &'static str) -> Option<Value>,
    ) -> Vec<Entry> {
        let mut entries = Vec::new();
        let mut without_line = std::mem::take(&mut self.refused);
        for word in scope.words() {
            match value(self, word).or_else(|| kept_value(kept.0, scope, word, kept.1)) {
                Some(value) => {
                    let value = self.fit(indent, word, value);
                    entries.push(Entry { word, value, refused: std::mem::take(&mut self.refused) });
                }
                None => without_line.append(&mut self.refused),
            }
        }
        self.refused = without_line;
        entries
    }

    /// A value that fits on a line.
    fn fit(&mut self, indent: usize, word: &str, value: Value) -> String {
        let limit = match word {
            "send" | "expect" | "send_program" => CHECK_LINE_MAXIMUM,
            _ => LINE_MAXIMUM,
        };
        self.short(indent, &format!("{word} = {}", value.text), limit, &value.pointer);
        if value.text.contains(['\n', '\r']) {
            self.refuse_with(value.pointer, Code::ExportValue, "value", value.text.escape_debug());
        }
        value.text
    }

    /// Says that the old pages cut a line, and refuses one that looks as if they had.
    fn short(&mut self, indent: usize, line: &str, limit: usize, pointer: &str) {
        let length = indent + line.len();
        if length > limit {
            let finding =
                Finding::field(pointer, Code::ExportLine).with("length", length).with("limit", limit);
            match looks_cut(&format!("{:indent$}{line}", "")) {
                true => self.refused.push(finding),
                false => self.damaged.push(finding.warning()),
            }
        }
    }

    /// A string in double quotes, as far as the original can read it back.
    pub(super) fn quoted(&mut self, text: &str, pointer: &str) -> String {
        let quoted = format!("\"{text}\"");
        let line = format!("x = {quoted}");
        let (read, _) = words(&line);
        let fits = matches!(read.as_slice(), [_, _, value]
            if value.text == text && value.quote == Some(Quote::Double) && !value.open);
        if !fits {
            self.refuse_with(pointer, Code::ExportValue, "value", text.escape_debug());
        }
        quoted
    }

    pub(super) fn address(&mut self, address: IpAddr, pointer: &str) -> String {
        if Family::of(address) != Family::Ipv4 {
            self.refuse_with(pointer, Code::ExportFamily, "address", address);
        }
        address.to_string()
    }

    pub(super) fn seconds(&mut self, milliseconds: u32, pointer: &str) -> String {
        if !milliseconds.is_multiple_of(1000) {
            let up = milliseconds.div_ceil(1000).saturating_mul(1000);
            let finding = Finding::field(pointer, Code::ExportSeconds).with("value", milliseconds);
            self.refused.push(finding.suggest(up.to_string()));
        }
        (milliseconds / 1000).to_string()
    }

    pub(super) fn forwarding(&mut self, forwarding: Forwarding, pointer: &str) -> &'static str {
        if matches!(forwarding, Forwarding::Tunnel(tunnel) if tunnel != Tunnel::default()) {
            self.refuse(pointer, Code::ExportTunnel);
        }
        forwarding.as_str()
    }

    /// Refuses a method of its own that is not the cluster's.
    pub(super) fn same_forwarding(
        &mut self,
        own: Option<Forwarding>,
        cluster: &Cluster,
        name: &str,
        pointer: String,
    ) {
        if own.is_some_and(|own| own != cluster.global.forwarding) {
            self.refuse_with(pointer, Code::ExportForwarding, "name", name);
        }
    }

    /// What is wrong with the name of a block, which must be one word.
    pub(super) fn name(&mut self, indent: usize, kind: &str, name: &str, pointer: &str) -> Findings {
        let before = std::mem::take(&mut self.refused);
        let line = head(kind, name);
        let (read, _) = words(&line);
        let fits = matches!(read.as_slice(), [_, word, _] if word.text == name && !word.open)
            && name != "="
            && !name.contains(['"', '\'', '{', '}']);
        let pointer = format!("{pointer}/name");
        if !fits {
            self.refuse_with(&pointer, Code::ExportName, "name", name);
        } else if read.iter().any(|word| word.quote.is_some()) {
            self.damaged.push(Finding::field(&pointer, Code::ExportNameBlank).with("name", name).warning());
        }
        self.short(indent, &line, LINE_MAXIMUM, &pointer);
        std::mem::replace(&mut self.refused, before)
    }
}

/// What a file held that its own daemons would not have read, as comments.
pub(super) fn comments(kept: &BTreeMap<String, String>, scope: Scope) -> Vec<String> {
    kept.iter()
        .filter(|(word, _)| kept_value(kept, scope, word, "").is_none() && !is_failover(word))
        .filter(|(word, _)| *word != KEPT_TEXT)
        .flat_map(|(word, text)| comment(word, text))
        .collect()
}

/// A kept text, a comment for each of its lines. Braces would confuse the old pages even there.
pub(super) fn comment(word: &str, text: &str) -> Vec<String> {
    let plain = |c: char| match c {
        '{' => '(',
        '}' => ')',
        c => c,
    };
    let line = |line: &str| -> String {
        format!("# {word} = {line}").chars().filter(|c| !c.is_control()).map(plain).collect()
    };
    text.split(['\n', '\r']).map(line).collect()
}

/// A directive that was put aside when a file was read, as it stood there; none where the daemons would refuse it.
fn kept_value(kept: &BTreeMap<String, String>, scope: Scope, word: &str, pointer: &str) -> Option<Value> {
    let known = scope.words().contains(&word);
    let text = kept.get(word).filter(|text| known && accepts(scope, &format!("{word} = {text}")))?;
    Some(Value { text: text.clone(), pointer: format!("{pointer}/kept/{word}") })
}

/// Whether a kept text is a failover service.
pub(super) fn is_failover(key: &str) -> bool {
    key.starts_with("failover ") && key.ends_with(" {")
}
