//! Each kind of checker: what it asks, and which of its settings have no counterpart.
//!
//! Pages of web servers are read by `http`; how the checkers of one server go together is in the module above.

use std::num::NonZeroU32;

use super::super::globals;
use super::super::http;
use super::super::kept;
use super::super::names;
use super::super::reader::{Reader, whole};
use super::super::syntax_notes::excerpt;
use super::super::syntax_words::Block;
use super::super::timing::{Kept, Level};
use super::super::tree::Statement;
use super::super::unacted;
use super::super::values;
use super::{Asked, Checker, Way};
use crate::finding::Code;
use crate::model::{CommandLine, DnsRecord, MONITOR_TIMEOUT_MAXIMUM_MS, Question};

/// Reads one checker; none where keepalived drops it or nothing here stands for it, which is said.
pub(super) fn read(
    reader: &mut Reader<'_>,
    block: &Statement,
    asked: &Asked<'_>,
    kept: &mut Kept,
) -> Option<Checker> {
    let word = block.keyword.text.as_str();
    if block.block.is_none() {
        reader.error(block.origin(), Code::KeepalivedBlockMissing).with("word", word);
        return None;
    }
    match word {
        "TCP_CHECK" => Some(plain(reader, block, asked, kept, Block::Tcp, Question::Connect)),
        "PING_CHECK" => Some(plain(reader, block, asked, kept, Block::Ping, Question::Ping)),
        "HTTP_GET" | "SSL_GET" => web(reader, block, asked, kept),
        "SMTP_CHECK" => Some(smtp(reader, block, asked, kept)),
        "DNS_CHECK" => Some(dns(reader, block, asked, kept)),
        "MISC_CHECK" => misc(reader, block, asked, kept),
        "UDP_CHECK" => Some(udp(reader, block, asked, kept)),
        _ => {
            reader.warn(block.origin(), Code::KeepalivedCheckNone).with("word", word);
            values::check(reader, Block::Server, block);
            kept::keep(kept, "", block);
            None
        }
    }
}

/// Reads what all checkers have in common.
fn common(
    reader: &mut Reader<'_>,
    block: &Statement,
    inner: &Statement,
    asked: &Asked<'_>,
    kept: &mut Kept,
    kind: Block,
    checker: &mut Checker,
) {
    let level = if kind == Block::Http { Level::Web } else { Level::Checker };
    // What belongs to another kind of checker is unknown here.
    let foreign =
        inner.is("virtualhost") && kind != Block::Http || inner.is("connect_timeout") && kind == Block::Misc;
    if !foreign && checker.timing.read(reader, inner, level) {
        return;
    }
    // A program opens no connection of ours.
    if kind == Block::Misc || !way(reader, inner, asked, &mut checker.way) {
        unacted::aside(reader, kept, &format!("{}/", block.keyword.text), kind, inner);
    }
}

/// Reads where a checker asks and where from; whether the statement was about that.
fn way(reader: &mut Reader<'_>, inner: &Statement, asked: &Asked<'_>, way: &mut Way) -> bool {
    let address = |reader: &mut Reader<'_>| {
        let word = reader.value(inner)?;
        globals::address(reader, inner, word)
    };
    match inner.keyword.text.as_str() {
        "connect_ip" => way.address = address(reader).or(way.address),
        "bindto" => way.source = address(reader).or(way.source),
        "connect_port" => {
            way.port = reader.number(inner, 1_u16, u16::MAX, way.port.unwrap_or(asked.port)).or(way.port);
        }
        "bind_port" => way.source_port = reader.number(inner, 1_u16, u16::MAX, "any").or(way.source_port),
        "bind_if" => {
            let word = reader.value(inner);
            let device = word.and_then(|word| globals::device(reader, inner, word));
            way.interface = device.or(way.interface.take());
        }
        "fwmark" => {
            let mark = reader.number(inner, 0_u32, u32::MAX, "none");
            way.mark = mark.and_then(NonZeroU32::new).or(way.mark);
        }
        _ => return false,
    }
    true
}

fn plain(
    reader: &mut Reader<'_>,
    block: &Statement,
    asked: &Asked<'_>,
    kept: &mut Kept,
    kind: Block,
    question: Question,
) -> Checker {
    let mut checker = Checker::new(vec![question]);
    for inner in block.inside() {
        common(reader, block, inner, asked, kept, kind, &mut checker);
    }
    checker
}

fn web(reader: &mut Reader<'_>, block: &Statement, asked: &Asked<'_>, kept: &mut Kept) -> Option<Checker> {
    let mut checker = Checker::new(Vec::new());
    checker.delay = Some(3_000);
    let mut page = http::Pages::new(block.is("SSL_GET"));
    for inner in block.inside() {
        if !page.read(reader, block, inner, kept) {
            common(reader, block, inner, asked, kept, Block::Http, &mut checker);
        }
    }
    let host = checker.timing.virtualhost.as_ref().or(asked.timing.virtualhost.as_ref());
    checker.questions = page.checks(reader, block, host, kept);
    if checker.questions.is_empty() {
        incomplete(reader, block, "url", kept);
        return None;
    }
    Some(checker)
}

fn incomplete(reader: &mut Reader<'_>, block: &Statement, missing: &str, kept: &mut Kept) {
    reader
        .warn(block.origin(), Code::KeepalivedCheckIncomplete)
        .with("word", &block.keyword.text)
        .with("missing", missing);
    kept::keep(kept, "", block);
}

fn smtp(reader: &mut Reader<'_>, block: &Statement, asked: &Asked<'_>, kept: &mut Kept) -> Checker {
    let mut checker = Checker::new(Vec::new());
    let mut helo = None;
    let mut hosts = Vec::new();
    for inner in block.inside() {
        match inner.keyword.text.as_str() {
            "helo_name" => helo = names::host(reader, inner),
            "host" => {
                reader
                    .warn(inner.origin(), Code::KeepalivedOld)
                    .with("word", "host")
                    .with("meaning", "connect_ip and connect_port of the checker");
                let outer = std::mem::take(&mut checker.way);
                for inner in inner.inside() {
                    common(reader, block, inner, asked, kept, Block::SmtpHost, &mut checker);
                }
                hosts.push(std::mem::replace(&mut checker.way, outer));
            }
            _ => common(reader, block, inner, asked, kept, Block::Smtp, &mut checker),
        }
    }
    // Every host is asked, and all of them must answer.
    checker.questions = vec![Question::Smtp { helo }; hosts.len().max(1)];
    checker.ways = hosts;
    checker
}

fn dns(reader: &mut Reader<'_>, block: &Statement, asked: &Asked<'_>, kept: &mut Kept) -> Checker {
    let mut checker = Checker::new(Vec::new());
    (checker.retry, checker.delay) = (3, None);
    let (mut name, mut record) = (".".to_owned(), DnsRecord::default());
    for inner in block.inside() {
        match inner.keyword.text.as_str() {
            "name" => name = names::domain(reader, inner).unwrap_or(name),
            "type" => {
                let Some(word) = reader.value(inner) else { continue };
                let known = DnsRecord::ALL.into_iter().find(|r| r.as_str().eq_ignore_ascii_case(&word.text));
                if let Some(known) = known {
                    record = known;
                } else {
                    let names = DnsRecord::ALL.map(|record| (record.as_str(), record));
                    _ = reader.choice(inner, word, &names, record.as_str());
                }
            }
            _ => common(reader, block, inner, asked, kept, Block::Dns, &mut checker),
        }
    }
    checker.questions.push(Question::Dns { name, record, answer: None });
    checker
}

fn misc(reader: &mut Reader<'_>, block: &Statement, asked: &Asked<'_>, kept: &mut Kept) -> Option<Checker> {
    let mut checker = Checker::new(Vec::new());
    (checker.retry, checker.timeout) = (0, None);
    let mut command = None;
    let mut timeout = None;
    let mut weight = false;
    for inner in block.inside() {
        match inner.keyword.text.as_str() {
            "misc_path" => command = script(reader, inner),
            "misc_timeout" => {
                // No time is as long as there is until the next check.
                let read = reader.number::<u32>(inner, 0, 4_294, 60).filter(|seconds| *seconds > 0);
                timeout = read.map(|seconds| seconds.saturating_mul(1_000)).or(timeout);
            }
            "misc_dynamic" => weight = reader.flag(inner),
            _ => common(reader, block, inner, asked, kept, Block::Misc, &mut checker),
        }
    }
    // A script has its own bound; that of connections does not count for it.
    let interval = checker.timing.delay_loop.or(asked.timing.delay_loop).unwrap_or(60_000);
    checker.timing.connect_timeout = Some(timeout.unwrap_or(interval).min(MONITOR_TIMEOUT_MAXIMUM_MS));
    let Some(command) = command else {
        incomplete(reader, block, "misc_path", kept);
        return None;
    };
    checker.questions.push(Question::Command { command, weight });
    Some(checker)
}

/// A program with its arguments: one text with quotes of its own, or word by word.
fn script(reader: &mut Reader<'_>, statement: &Statement) -> Option<CommandLine> {
    let parts = &statement.arguments;
    let command = match parts.as_slice() {
        [] => {
            _ = reader.value(statement);
            return None;
        }
        [only] => only.text.parse().unwrap_or_else(|_| {
            let text = excerpt(&only.text);
            reader.warn(statement.value_origin(), Code::KeepalivedScriptQuotes).with("text", text);
            CommandLine::plain(&only.text)
        }),
        words => CommandLine::new(words.iter().map(|word| word.text.as_str())),
    };
    Some(command).filter(|command| command.program().is_some())
}

fn udp(reader: &mut Reader<'_>, block: &Statement, asked: &Asked<'_>, kept: &mut Kept) -> Checker {
    let mut checker = Checker::new(Vec::new());
    let (mut send, mut expect, mut reply_needed) = (None, None, false);
    for inner in block.inside() {
        match inner.keyword.text.as_str() {
            "payload" => send = bytes(reader, inner, false).or(send),
            "require_reply" => {
                reply_needed = true;
                if !inner.arguments.is_empty() {
                    expect = bytes(reader, inner, true).or(expect);
                }
            }
            _ => common(reader, block, inner, asked, kept, Block::Udp, &mut checker),
        }
    }
    lengths(reader, block);
    checker.questions.push(Question::Udp { send, expect, reply_needed });
    checker
}

/// Says where no answer is long enough and short enough.
fn lengths(reader: &mut Reader<'_>, block: &Statement) {
    let length = |word: &str| {
        let line = block.inside().iter().rfind(|inner| inner.is(word))?;
        Some((line, whole(&line.argument(0)?.text)?))
    };
    let most = length("max_reply_length").map_or(255, |(_, most)| most);
    if let Some((line, _)) = length("min_reply_length").filter(|(_, least)| *least > most)
        && let Some(word) = line.argument(0)
    {
        values::refused(reader, line, word, &format!("0 {most}"));
    }
}

/// Hexadecimal bytes, with `X` for half a byte that does not count where wildcards are possible.
fn bytes(reader: &mut Reader<'_>, statement: &Statement, wildcards: bool) -> Option<String> {
    let text: String = statement.arguments.iter().map(|word| word.text.as_str()).collect();
    if text.is_empty() {
        _ = reader.value(statement);
        return None;
    }
    let fits = |c: char| c.is_ascii_hexdigit() || (wildcards && matches!(c, 'x' | 'X'));
    if text.len().is_multiple_of(2) && text.chars().all(fits) {
        return Some(text);
    }
    reader
        .warn(statement.value_origin(), Code::KeepalivedBytes)
        .with("word", &statement.keyword.text)
        .with("text", excerpt(&text));
    None
}
