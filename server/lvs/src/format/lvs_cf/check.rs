//! What a virtual server's monitoring lines ask of a real server, as the original checker would have read them.

use crate::finding::Code;
use crate::format::places::Spot;
use crate::model::{CommandLine, Matching, Protocol, Question};

use super::lexer::Quote;
use super::reader::{Reader, Text};
use super::value::{escapes, lost_backslashes};

/// What the original asks on port 80 when told nothing.
const HTTP_SEND: &str = r"GET / HTTP/1.0\r\n\r\n";
/// And what it wants to hear.
const HTTP_EXPECT: &str = "HTTP";
/// A request longer than this is not searched for lost backslashes.
const REPAIRED: usize = 4096;

/// The monitoring lines of one virtual server.
#[derive(Debug, Default)]
pub(super) struct Given {
    /// `send`
    pub(super) send: Option<Text>,
    /// `expect`
    pub(super) expect: Option<Text>,
    /// `use_regex`, and where.
    pub(super) regex: Option<(bool, Spot)>,
    /// `send_program`
    pub(super) program: Option<Text>,
}

/// Decides what is asked. `place` is where to say what the lines leave open.
pub(super) fn read(
    reader: &mut Reader<'_>,
    given: Given,
    protocol: Protocol,
    port: u16,
    place: Spot,
) -> Question {
    let regex = given.regex.is_some_and(|(value, _)| value);
    let send_spot = given.send.as_ref().map(|text| text.spot);
    let send = given.send.map(|text| plain(reader, text));
    let expect = given.expect.map(|text| plain(reader, text));
    if let Some(program) = given.program {
        if let Some(spot) = send_spot {
            reader.warn(spot, Code::SendUnused);
        }
        if let Some((true, spot)) = given.regex {
            reader.warn(spot, Code::RegexUnused);
        }
        if expect.is_none() {
            reader.warn(program.spot, Code::ProgramExpect);
        }
        let part =
            |word: &&str| (word.contains("%h") || word.contains("%p")) && !matches!(*word, "%h" | "%p");
        if let Some(word) = program.value.split_whitespace().find(part) {
            reader.warn(program.spot, Code::ProgramWord).with("text", super::document::excerpt(word));
        }
        let command = CommandLine::plain(&unquoted(reader, program));
        // The original compares a program's output as it is.
        let regex = false;
        return Question::Program { command, expect, send, regex };
    }
    if send.is_some() || expect.is_some() {
        let matching = if regex { Matching::Regex } else { Matching::Prefix };
        return Question::SendExpect { send, expect, matching };
    }
    match (protocol, port) {
        (Protocol::Udp, _) => {
            reader.warn(place, Code::CheckUdp);
            Question::Connect
        }
        (_, 80) => {
            reader.warn(place, Code::CheckDefaultHttp);
            let text = |text: &str| Some(text.to_owned());
            Question::SendExpect {
                send: text(HTTP_SEND),
                expect: text(HTTP_EXPECT),
                matching: Matching::Prefix,
            }
        }
        _ => Question::Connect,
    }
}

/// The original drops double quotes only when it starts the checker; single ones become part of the text.
fn unquoted(reader: &mut Reader<'_>, text: Text) -> String {
    if text.quote == Some(Quote::Single) {
        if reader.exact {
            reader.warn(text.spot, Code::QuoteSingleKept);
            return format!("'{}'", text.value);
        }
        reader.warn(text.spot, Code::QuoteSingle).suggest(Some(format!("\"{}\"", text.value)));
    }
    text.value
}

/// A string with its escapes in order.
fn plain(reader: &mut Reader<'_>, text: Text) -> String {
    let spot = text.spot;
    let value = unquoted(reader, text);
    if let Some(repaired) = Some(&value).filter(|v| v.len() <= REPAIRED).and_then(|v| lost_backslashes(v)) {
        let suggestion = Some(format!("\"{repaired}\""));
        if !reader.exact {
            reader.warn(spot, Code::LostBackslashes).with("value", &repaired).suggest(suggestion);
            return repaired;
        }
        reader.warn(spot, Code::LostBackslashesKept).suggest(suggestion);
    }
    let (plain, unknown) = escapes(&value);
    if let Some(escape) = unknown {
        reader
            .warn(spot, Code::EscapeUnknown)
            .with("escape", escape)
            .suggest((plain.len() <= REPAIRED).then(|| format!("\"{plain}\"")));
    }
    plain
}
