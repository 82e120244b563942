//! The checks of a real server as keepalived's checkers.
//!
//! A checker that keepalived does not have is refused; a check that one of its own can stand for is said. Called for
//! each real server.

use super::page::Page;
use super::{Said, web_request};
use crate::finding::{Code, Finding};
use crate::format::keepalived::names::has_short_label;
use crate::format::keepalived::reader::Seconds;
use crate::model::{
    Check, Combine, CommandLine, DnsRecord, HttpCheck, HttpMethod, HttpVersion, Matching, Monitor, Question,
    Times, TlsOptions, Weight,
};

/// What is lost of a monitor for all its servers, whatever they are asked.
pub(super) fn lost(said: &mut Said, pointer: &str, monitor: &Monitor, weight: Weight) {
    if monitor.rise > 1 {
        let finding = Finding::field(format!("{pointer}/rise"), Code::ExportKeepalivedRise);
        said.warn(finding.with("rise", monitor.rise));
    }
    if monitor.reentry_s > 0 {
        let finding = Finding::field(format!("{pointer}/reentry_s"), Code::ExportKeepalivedReentry);
        said.warn(finding.with("seconds", monitor.reentry_s));
    }
    let lost = [
        ("slow_start", monitor.slow_start.is_some() && weight.0 > 1, Code::ExportKeepalivedSlowStart),
        ("damping", monitor.damping.is_some(), Code::ExportKeepalivedDamping),
        ("data_path", monitor.data_path, Code::ExportKeepalivedDataPath),
    ];
    for (field, _, code) in lost.into_iter().filter(|(_, given, _)| *given) {
        said.warn(Finding::field(format!("{pointer}/{field}"), code));
    }
    if monitor.combine == Combine::Any && monitor.checks.len() > 1 {
        said.refuse(Finding::field(format!("{pointer}/combine"), Code::ExportKeepalivedAny));
    }
}

/// Which port is asked.
#[derive(Clone, Copy)]
pub(super) struct Ports {
    /// The one that stands behind the server's address, which checkers ask that name none.
    pub(super) server: Option<u16>,
    /// The one that checks ask which have none of their own; 0 where there is none.
    pub(super) asked: u16,
}

/// The checkers of one server. Whether one runs a program.
pub(super) fn write(
    page: &mut Page,
    said: &mut Said,
    pointer: &str,
    monitor: &Monitor,
    ports: Ports,
) -> bool {
    let mut runs_programs = false;
    for (index, check) in monitor.checks.iter().enumerate() {
        let pointer = format!("{pointer}/checks/{index}");
        let checker = Checker { monitor, check, ports, pointer: &pointer };
        match &check.question {
            Question::Connect => checker.block(page, "TCP_CHECK", |_| {}),
            Question::Ping => checker.block(page, "PING_CHECK", |_| {}),
            Question::Http(http) => checker.http(page, said, http),
            Question::SendExpect { send: Some(_), expect: None, .. } => {
                said.warn(Finding::field(format!("{pointer}/send"), Code::ExportKeepalivedSend));
                checker.block(page, "TCP_CHECK", |_| {});
            }
            Question::SendExpect { send: None, expect: None, .. } => checker.block(page, "TCP_CHECK", |_| {}),
            Question::SendExpect { send, expect: Some(expect), matching } => {
                let send = send.as_deref().filter(|_| *matching != Matching::Contains);
                match send.and_then(|send| web_request::read(send, expect)) {
                    Some(http) => {
                        said.warn(
                            Finding::field(&pointer, Code::ExportKeepalivedWebRequest)
                                .with("path", &http.path)
                                .with("status", statuses(&http)),
                        );
                        checker.http(page, said, &http);
                    }
                    None => said.refuse(Finding::field(&pointer, Code::ExportKeepalivedSendExpect)),
                }
            }
            Question::Program { .. } => said.refuse(Finding::field(&pointer, Code::ExportKeepalivedProgram)),
            Question::Command { command, weight } => {
                runs_programs = true;
                checker.program(page, said, command, *weight);
            }
            Question::Smtp { helo } => {
                let helo = helo.as_ref().map(|helo| said.plain(&format!("{pointer}/helo"), helo));
                checker.block(page, "SMTP_CHECK", |page| {
                    if let Some(helo) = helo {
                        page.line(format!("helo_name {helo}"));
                    }
                });
            }
            Question::Dns { name, record, answer } => {
                if let Some(answer) = answer {
                    let finding = Finding::field(format!("{pointer}/answer"), Code::ExportKeepalivedAnswer);
                    said.warn(finding.with("answer", answer));
                }
                if has_short_label(name) {
                    let finding = Finding::field(format!("{pointer}/name"), Code::ExportKeepalivedLabel);
                    said.refuse(finding.with("name", name));
                }
                let name = said.plain(&format!("{pointer}/name"), name);
                checker.block(page, "DNS_CHECK", |page| {
                    if *record != DnsRecord::default() {
                        page.line(format!("type {}", record.as_str()));
                    }
                    if name != "." {
                        page.line(format!("name {name}"));
                    }
                });
            }
            Question::Tls { .. } | Question::Mysql | Question::Postgres { .. } | Question::Redis { .. } => {
                let finding = Finding::field(&pointer, Code::ExportKeepalivedKind);
                said.refuse(finding.with("kind", check.kind()));
            }
            Question::Udp { send, expect, reply_needed } => {
                checker.datagram(page, said, send.as_deref(), expect.as_deref(), *reply_needed);
            }
        }
    }
    runs_programs
}

struct Checker<'m> {
    monitor: &'m Monitor,
    check: &'m Check,
    ports: Ports,
    pointer: &'m str,
}

impl Checker<'_> {
    /// A checker with the words that all have that open a connection.
    fn block(&self, page: &mut Page, word: &str, own: impl FnOnce(&mut Page)) {
        page.open(word);
        self.way(page, word);
        page.line(format!("connect_timeout {}", Seconds(self.times().timeout_ms)));
        self.tries(page);
        own(page);
        page.close();
    }

    fn times(&self) -> Times {
        self.monitor.times(self.check)
    }

    /// Where is asked and where from, as far as it is not the usual.
    fn way(&self, page: &mut Page, word: &str) {
        let (check, monitor) = (self.check, self.monitor);
        if let Some(address) = check.address {
            page.line(format!("connect_ip {address}"));
        }
        let port = check.port.unwrap_or(self.ports.asked);
        if port != 0 && self.ports.server != Some(port) && word != "PING_CHECK" {
            page.line(format!("connect_port {port}"));
        }
        if let Some(source) = check.source.or(monitor.source) {
            page.line(format!("bindto {source}"));
        }
        if let Some(port) = check.source_port.filter(|_| word != "PING_CHECK") {
            page.line(format!("bind_port {port}"));
        }
        if let Some(interface) = check.interface.as_ref().or(monitor.interface.as_ref()) {
            page.line(format!("bind_if {}", interface.interface()));
        }
        if let Some(mark) = check.mark.or(monitor.mark) {
            page.line(format!("fwmark {mark}"));
        }
    }

    /// How often is asked again: the defaults differ from checker to checker.
    fn tries(&self, page: &mut Page) {
        // Without a further try nothing waits for it, but HTTP_GET would still take its own default for it.
        let times = self.times();
        let delay = if times.fall > 1 { times.retry_delay_ms } else { times.interval_ms };
        page.line(format!("retry {}", times.fall.saturating_sub(1)));
        page.line(format!("delay_before_retry {}", Seconds(delay)));
        // What is written for the server is the first one's.
        let first = self.monitor.checks.first().map(|check| self.monitor.times(check).interval_ms);
        if first != Some(times.interval_ms) {
            page.line(format!("delay_loop {}", Seconds(times.interval_ms)));
        }
        if let Some(spread_ms) = self.monitor.spread_ms {
            page.line(format!("warmup {}", Seconds(spread_ms)));
        }
    }

    fn http(&self, page: &mut Page, said: &mut Said, http: &HttpCheck) {
        if let Some(tls) = &http.tls {
            self.handshake(said, http, tls);
        }
        if http.method != HttpMethod::Get || !http.headers.is_empty() || http.authorization.is_some() {
            said.refuse(Finding::field(self.pointer, Code::ExportKeepalivedRequest));
        }
        let path = said.plain(&format!("{}/path", self.pointer), &http.path);
        let host = http.host.as_ref().map(|host| said.plain(&format!("{}/host", self.pointer), host));
        let body = http.body.as_ref().map(|body| {
            let text = if body.regex { body.text.clone() } else { regex_escaped(&body.text) };
            said.escaped(&format!("{}/body/text", self.pointer), &text)
        });
        let status = said.fitting(&format!("{}/status", self.pointer), statuses(http));
        self.block(page, if http.tls.is_some() { "SSL_GET" } else { "HTTP_GET" }, |page| {
            if http.version == HttpVersion::V1_1 {
                page.line("http_protocol 1.1");
            }
            if http.tls.as_ref().is_some_and(|tls| tls.send_name) {
                page.line("enable_sni");
            }
            page.open("url");
            page.line(format!("path {path}"));
            if let Some(host) = host {
                page.line(format!("virtualhost {host}"));
            }
            if !http.status.is_empty() {
                page.line(format!("status_code {status}"));
            }
            if let Some(digest) = &http.digest {
                page.line(format!("digest {digest}"));
            }
            if let Some(body) = body {
                page.line(format!("regex {body}"));
                if http.body.as_ref().is_some_and(|body| body.absent) {
                    page.line("regex_no_match");
                }
            }
            page.close();
        });
    }

    /// What of TLS keepalived has no word for.
    fn handshake(&self, said: &mut Said, http: &HttpCheck, tls: &TlsOptions) {
        let field = |name: &str, code| Finding::field(format!("{}/tls/{name}", self.pointer), code);
        if tls.verify {
            said.warn(field("verify", Code::ExportKeepalivedVerify));
        } else if tls.expiry_days > 0 {
            said.warn(field("expiry_days", Code::ExportKeepalivedVerify));
        }
        if let Some(name) = tls.name.as_ref().filter(|name| tls.send_name && http.host.as_ref() != Some(name))
        {
            said.refuse(field("name", Code::ExportKeepalivedSni).with("name", name));
        }
        if tls.identity.is_some() {
            said.refuse(field("identity", Code::ExportKeepalivedIdentity));
        }
    }

    fn program(&self, page: &mut Page, said: &mut Said, program: &CommandLine, weight: bool) {
        let program = said.command(&format!("{}/command", self.pointer), &program.to_string());
        let timeout_ms = self.times().timeout_ms;
        let limit = timeout_ms.div_ceil(1_000);
        if !timeout_ms.is_multiple_of(1_000) {
            let own = self.check.timeout_ms.is_some();
            let monitor = self.pointer.rsplit_once("/checks/").map_or(self.pointer, |(monitor, _)| monitor);
            let pointer = if own { self.pointer } else { monitor };
            said.warn(
                Finding::field(format!("{pointer}/timeout_ms"), Code::ExportKeepalivedSeconds)
                    .with("value", timeout_ms)
                    .with("seconds", limit),
            );
        }
        page.open("MISC_CHECK");
        page.line(format!("misc_path {program}"));
        page.line(format!("misc_timeout {limit}"));
        if weight {
            page.line("misc_dynamic");
        }
        self.tries(page);
        page.close();
    }

    fn datagram(
        &self,
        page: &mut Page,
        said: &mut Said,
        send: Option<&str>,
        expect: Option<&str>,
        reply_needed: bool,
    ) {
        let pointer = self.pointer;
        if expect.is_some() && !reply_needed {
            said.refuse(Finding::field(format!("{pointer}/reply_needed"), Code::ExportKeepalivedSilence));
        }
        let send = send.map(|text| bytes(said, &format!("{pointer}/send"), text));
        let expect = expect.map(|text| bytes(said, &format!("{pointer}/expect"), text));
        self.block(page, "UDP_CHECK", |page| {
            if let Some(send) = send {
                page.line(format!("payload {send}"));
            }
            match expect {
                Some(expect) => page.line(format!("require_reply {expect}")),
                None if reply_needed => page.line("require_reply"),
                None => {}
            }
        });
    }
}

/// Hexadecimal bytes without blanks. keepalived 2.2 takes the byte ff for the end.
fn bytes(said: &mut Said, pointer: &str, text: &str) -> String {
    let digits: String = text.chars().filter(|c| *c != ' ').collect::<String>().to_ascii_uppercase();
    let pairs: Vec<&str> = (0..digits.len()).step_by(2).filter_map(|at| digits.get(at..at + 2)).collect();
    if pairs.contains(&"FF") {
        said.refuse(Finding::field(pointer, Code::ExportKeepalivedByte));
    }
    said.fitting(pointer, digits)
}

/// Accepted status codes, as keepalived lists them.
fn statuses(http: &HttpCheck) -> String {
    if http.status.is_empty() {
        return "200-299".to_owned();
    }
    http.status.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// A text as a regular expression that matches just it.
fn regex_escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        if "\\.+*?()|[]{}^$#&-~".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}
