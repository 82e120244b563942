//! The checkers of a real server, put together to how it is monitored.
//!
//! What all checkers of a server have in common becomes the monitor's; what one of them does otherwise becomes the
//! check's own. What each kind asks is in `kinds`.

mod kinds;

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;

use super::kept;
use super::reader::{Origins, Reader, Seconds, whole};
use super::syntax_words::Block;
use super::timing::{Kept, Timing};
use super::tree::Statement;
use crate::finding::Code;
use crate::model::{CHECKS_MAXIMUM, Check, Device, Monitor, Question, Start, Times};

/// What checkers need to know of the server they ask.
pub(super) struct Asked<'a> {
    /// Its address.
    pub(super) address: IpAddr,
    /// The port it is asked at where a checker names none.
    pub(super) port: u16,
    /// What it hands down.
    pub(super) timing: &'a Timing,
}

/// Where a checker asks and where from, as far as it says so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Way {
    address: Option<IpAddr>,
    port: Option<u16>,
    source: Option<IpAddr>,
    source_port: Option<u16>,
    interface: Option<Device>,
    mark: Option<NonZeroU32>,
}

impl Way {
    /// Its own values, and of those it does not name the outer level's.
    fn within(self, outer: &Way) -> Way {
        Way {
            address: self.address.or(outer.address),
            port: self.port.or(outer.port),
            source: self.source.or(outer.source),
            source_port: self.source_port.or(outer.source_port),
            interface: self.interface.or_else(|| outer.interface.clone()),
            mark: self.mark.or(outer.mark),
        }
    }
}

/// How one checker asks.
struct Checker {
    questions: Vec<Question>,
    /// The way of all its questions.
    way: Way,
    /// What single questions have of their own, in their order.
    ways: Vec<Way>,
    timing: Timing,
    /// Further tries where none are named.
    retry: u32,
    /// Time before a further try where none is named, milliseconds; the time between checks where absent.
    delay: Option<u32>,
    /// Time that a check may take where none is named; the time between checks where absent.
    timeout: Option<u32>,
}

/// A question with everything that counts for it in the end.
struct Ask {
    question: Question,
    way: Way,
    times: Times,
    spread_ms: Option<u32>,
    start: Start,
}

impl Checker {
    fn new(questions: Vec<Question>) -> Checker {
        Checker {
            questions,
            way: Way::default(),
            ways: Vec::new(),
            timing: Timing::default(),
            retry: 1,
            delay: Some(1_000),
            timeout: Some(5_000),
        }
    }

    fn asks(self, asked: &Asked<'_>) -> Vec<Ask> {
        let timing = self.timing.within(asked.timing);
        let interval_ms = timing.delay_loop.unwrap_or(60_000);
        let retry = timing.retry.unwrap_or(self.retry);
        let delay = timing.delay_before_retry.or(self.delay).unwrap_or(interval_ms);
        let times = Times {
            interval_ms,
            timeout_ms: timing.connect_timeout.or(self.timeout).unwrap_or(interval_ms),
            fall: retry.saturating_add(1),
            // Without a further try nothing waits for it.
            retry_delay_ms: if retry > 0 { delay } else { interval_ms },
        };
        let start = if timing.alpha.unwrap_or(false) { Start::Down } else { Start::Up };
        let mut ways = self.ways.into_iter();
        let outer = self.way;
        let ask = |question: Question| {
            let mut way = ways.next().unwrap_or_default().within(&outer);
            way.address = way.address.filter(|address| *address != asked.address);
            way.port = question.has_port().then(|| way.port.unwrap_or(asked.port));
            Ask { question, way, times, spread_ms: timing.warmup, start }
        };
        self.questions.into_iter().map(ask).collect()
    }
}

/// Reads the checkers of a server. Without one that can be used the server is not monitored.
pub(super) fn read(
    reader: &mut Reader<'_>,
    server: &Statement,
    asked: &Asked<'_>,
    kept: &mut Kept,
    origins: &mut Origins,
) -> Monitor {
    let mut asks: Vec<Ask> = Vec::new();
    for block in server.inside().iter().filter(|inner| is_checker(inner)) {
        let Some(checker) = kinds::read(reader, block, asked, kept) else { continue };
        let found = checker.asks(asked);
        if asks.is_empty() {
            origins.insert("/monitor", block.origin());
        }
        if asks.len() + found.len() > CHECKS_MAXIMUM {
            reader.warn(block.origin(), Code::KeepalivedChecksMany).with("maximum", CHECKS_MAXIMUM);
            kept::keep(kept, "", block);
        }
        if let (Some(first), Some(other)) = (asks.first(), found.first())
            && first.spread_ms != other.spread_ms
        {
            let seconds = |ask: &Ask| Seconds(ask.spread_ms.unwrap_or(ask.times.interval_ms));
            reader
                .warn(block.origin(), Code::KeepalivedWarmup)
                .with("word", &block.keyword.text)
                .with("value", seconds(other))
                .with("taken", seconds(first));
        }
        for ask in found {
            if asks.len() < CHECKS_MAXIMUM {
                origins.insert(format!("/monitor/checks/{}", asks.len()), block.origin());
                asks.push(ask);
            }
        }
    }
    together(asks)
}

/// One monitor for all questions: the first one's times and port, and what all of them say of the way, are the
/// monitor's.
fn together(asks: Vec<Ask>) -> Monitor {
    let Some(first) = asks.first() else { return Monitor::none() };
    let base = first.times;
    let down = asks.iter().any(|ask| ask.start == Start::Down);
    let mut monitor = Monitor {
        checks: Vec::new(),
        port: asks.iter().find_map(|ask| ask.way.port),
        interval_ms: base.interval_ms,
        timeout_ms: base.timeout_ms,
        fall: base.fall,
        rise: 1,
        retry_delay_ms: base.retry_delay_ms,
        reentry_s: 0,
        spread_ms: first.spread_ms,
        start: if down { Start::Down } else { Start::Up },
        ..Monitor::default()
    };
    // A program is not asked by any way of ours.
    let ways = || asks.iter().filter(|ask| !ask.question.is_program()).map(|ask| &ask.way);
    monitor.source = common(ways().map(|way| way.source)).flatten();
    monitor.interface = common(ways().map(|way| way.interface.clone())).flatten();
    monitor.mark = common(ways().map(|way| way.mark)).flatten();
    for Ask { question, way, times, .. } in asks {
        let waits = times.fall > 1;
        let check = Check {
            address: way.address,
            port: way.port.filter(|port| monitor.port != Some(*port)),
            source: way.source.filter(|_| monitor.source.is_none()),
            source_port: way.source_port,
            interface: way.interface.filter(|_| monitor.interface.is_none()),
            mark: way.mark.filter(|_| monitor.mark.is_none()),
            interval_ms: Some(times.interval_ms).filter(|own| *own != base.interval_ms),
            timeout_ms: Some(times.timeout_ms).filter(|own| *own != base.timeout_ms),
            fall: Some(times.fall).filter(|own| *own != base.fall),
            retry_delay_ms: Some(times.retry_delay_ms).filter(|own| waits && *own != base.retry_delay_ms),
            ..Check::from(question)
        };
        monitor.checks.push(check);
    }
    // The server's own port goes without saying.
    monitor.port = monitor.port.filter(|port| *port != 0);
    monitor
}

/// The value that all of them have.
fn common<T: PartialEq>(mut values: impl Iterator<Item = T>) -> Option<T> {
    let first = values.next()?;
    values.all(|value| value == first).then_some(first)
}

/// Whether a statement is a checker's block, or was meant to be one.
pub(super) fn is_checker(statement: &Statement) -> bool {
    Block::Server.child(&statement.keyword.text).is_some()
}

/// A port behind an address, where there is one; 0 stands for none. An error is a word that is no port.
pub(super) fn port(statement: &Statement, at: usize) -> Result<Option<u16>, ()> {
    let Some(word) = statement.argument(at) else { return Ok(None) };
    let port = whole(&word.text).and_then(|port| u16::try_from(port).ok()).ok_or(())?;
    Ok(Some(port).filter(|port| *port != 0))
}

/// An address and a port in one word, as ipvsadm has them, in two words as keepalived wants them.
pub(super) fn apart(text: &str) -> Option<String> {
    let socket: SocketAddr = text.parse().ok()?;
    Some(format!("{} {}", socket.ip(), socket.port()))
}
