//! From a check of the configuration to a question that can be asked again and again: expressions compiled, texts unescaped.

use std::net::SocketAddr;
use std::sync::Arc;

use hickory_proto::rr::Name;
use hyper::{Method, Version};
use lvs::model::{
    CommandLine, HttpCheck, HttpMethod, HttpVersion, LoadSource, Matching, Protocol, Question as Asked,
    Secret, TlsOptions,
};

use super::dns::{self, Inquiry};
use super::http::Page;
use super::pattern::{Pattern, unescaped, unescaped_expression};
use super::program::{Judged, Program, Programs};
use super::tls::Terms;
use super::udp::Datagram;
use super::{Fault, random};

/// A question that is ready to be asked.
#[derive(Debug)]
pub(crate) enum Prepared {
    Connect,
    Talk {
        send: Vec<u8>,
        expect: Option<Pattern>,
        udp: bool,
    },
    Page(Box<Page>),
    Tls(Terms),
    Datagram(Datagram),
    Dns(Inquiry),
    Mail {
        helo: String,
    },
    Ping,
    Mysql {
        user: String,
    },
    Postgres {
        user: String,
        database: Option<String>,
    },
    Redis {
        login: Option<(Option<String>, Secret)>,
        secrets: Vec<Vec<u8>>,
    },
    Program(Program),
    LoadLine {
        send: Vec<u8>,
    },
    LoadPage(Box<Page>),
    LoadProgram(Program),
    /// It cannot be asked from here; why.
    Impossible {
        detail: String,
    },
}

impl Prepared {
    /// Whether it is asked at a port.
    pub(crate) fn needs_port(&self) -> bool {
        !matches!(
            self,
            Prepared::Ping | Prepared::Program(_) | Prepared::LoadProgram(_) | Prepared::Impossible { .. }
        )
    }

    /// What nobody is to see of what it sends and gets.
    pub(crate) fn secrets(&self) -> &[Vec<u8>] {
        match self {
            Prepared::Page(page) => &page.secrets,
            Prepared::Redis { secrets, .. } => secrets,
            _ => &[],
        }
    }
}

/// What a check is asked with, besides itself.
#[derive(Clone, Debug)]
pub(crate) struct Asking<'a> {
    /// Protocol of the service it is asked for.
    pub(crate) protocol: Protocol,
    /// What may be run here.
    pub(crate) programs: &'a Arc<Programs>,
}

/// Makes a question of a check. What makes no sense here becomes a question that says so when it is asked.
pub(crate) fn prepare(question: &Asked, asking: &Asking<'_>) -> Prepared {
    prepared(question, asking).unwrap_or_else(|fault| Prepared::Impossible {
        detail: fault.detail.unwrap_or_else(|| "this check cannot be asked".to_owned()),
    })
}

/// Makes a question of a source of weights; the port of an agent is its own.
pub(crate) fn prepare_load(source: &LoadSource, asking: &Asking<'_>) -> (Prepared, Option<u16>) {
    match source {
        LoadSource::Program { command } => {
            let words = command.words().iter().cloned().chain(["%h".to_owned()]).collect();
            let programs = asking.programs.clone();
            (Prepared::LoadProgram(Program { programs, words, judged: Judged::Status }), None)
        }
        LoadSource::Line { port, send } => {
            let send = send.as_deref().map(unescaped).unwrap_or_default();
            (Prepared::LoadLine { send }, Some(*port))
        }
        LoadSource::Http { port, path } => {
            let http = HttpCheck { path: path.clone(), ..HttpCheck::default() };
            let page = page(&http).map(|page| Page { body: Some((Pattern::Readable, false)), ..page });
            let prepared = page.map(|page| Prepared::LoadPage(Box::new(page)));
            (prepared.unwrap_or_else(|_| Prepared::Impossible { detail: String::new() }), Some(*port))
        }
    }
}

fn prepared(question: &Asked, asking: &Asking<'_>) -> Result<Prepared, Fault> {
    let udp = asking.protocol == Protocol::Udp;
    Ok(match question {
        // A datagram without content: all that can be known is whether it is refused.
        Asked::Connect if udp => {
            Prepared::Datagram(Datagram { send: Vec::new(), expect: Vec::new(), reply_needed: false })
        }
        Asked::Connect => Prepared::Connect,
        Asked::SendExpect { send, expect, matching } => Prepared::Talk {
            send: send.as_deref().map(unescaped).unwrap_or_default(),
            expect: expect.as_deref().map(|text| pattern(text, *matching)).transpose()?,
            udp,
        },
        Asked::Program { command, expect, regex, .. } => {
            let matching = if *regex { Matching::Regex } else { Matching::Prefix };
            let expect = expect.as_deref().map(|text| pattern(text, matching)).transpose()?;
            Prepared::Program(program(asking, command, Judged::Output(expect)))
        }
        Asked::Command { command, weight } => {
            let judged = if *weight { Judged::StatusAsWeight } else { Judged::Status };
            Prepared::Program(program(asking, command, judged))
        }
        Asked::Http(http) => Prepared::Page(Box::new(page(http)?)),
        Asked::Tls { tls } => Prepared::Tls(terms(tls, None)),
        Asked::Smtp { helo } => {
            let helo = helo.clone().unwrap_or_else(host_name);
            // One line: nothing else may be smuggled into the conversation.
            if helo.chars().any(|char| char.is_control() || char.is_whitespace()) {
                return Err(Fault::setting(format!("{helo:?} is no name for HELO")));
            }
            Prepared::Mail { helo }
        }
        Asked::Dns { name, record, answer } => Prepared::Dns(Inquiry {
            name: Name::from_ascii(name).map_err(|error| Fault::setting(error.to_string()))?,
            record: dns::record(*record),
            answer: answer.clone(),
        }),
        Asked::Udp { send, expect, reply_needed } => {
            Prepared::Datagram(Datagram::new(send.as_deref(), expect.as_deref(), *reply_needed, random()?)?)
        }
        Asked::Ping => Prepared::Ping,
        Asked::Mysql => Prepared::Mysql { user: "caribe".to_owned() },
        Asked::Postgres { user, database } => {
            Prepared::Postgres { user: user.clone(), database: database.clone() }
        }
        Asked::Redis { user, password } => Prepared::Redis {
            login: password.as_ref().map(|password| (user.clone(), password.clone())),
            secrets: password.iter().map(|password| password.reveal().as_bytes().to_vec()).collect(),
        },
    })
}

fn pattern(text: &str, matching: Matching) -> Result<Pattern, Fault> {
    match matching {
        Matching::Prefix => Ok(Pattern::prefix(text)),
        Matching::Contains => Ok(Pattern::contains(text)),
        Matching::Regex => Pattern::regex(&unescaped_expression(text)).map_err(Fault::setting),
    }
}

fn program(asking: &Asking<'_>, command: &CommandLine, judged: Judged) -> Program {
    Program { programs: asking.programs.clone(), words: command.words().to_vec(), judged }
}

fn terms(options: &TlsOptions, host: Option<&str>) -> Terms {
    let identity = options.identity.as_ref();
    Terms {
        verify: options.verify,
        name: options.name.clone().or_else(|| host.map(without_port)),
        send_name: options.send_name,
        authorities: options.authorities.clone(),
        identity: identity.map(|own| (own.certificate.clone(), own.key.clone())),
    }
}

fn page(http: &HttpCheck) -> Result<Page, Fault> {
    let digest = |text: &String| {
        let bytes = hex::decode(text).map_err(|error| Fault::setting(error.to_string()))?;
        <[u8; 16]>::try_from(bytes).map_err(|_| Fault::setting("an MD5 digest has 32 hexadecimal digits"))
    };
    let body = http.body.as_ref().map(|body| {
        let pattern = if body.regex {
            Pattern::regex(&body.text).map_err(Fault::setting)?
        } else {
            Pattern::Contains(body.text.as_bytes().to_vec())
        };
        Ok((pattern, body.absent))
    });
    let mut headers: Vec<(String, String)> =
        http.headers.iter().map(|header| (header.name.clone(), header.value.clone())).collect();
    let secret = http.authorization.as_ref().map(|secret| secret.reveal().to_owned());
    headers.extend(secret.clone().map(|value| ("authorization".to_owned(), value)));
    Ok(Page {
        tls: http.tls.as_ref().map(|options| terms(options, http.host.as_deref())),
        method: match http.method {
            HttpMethod::Get => Method::GET,
            HttpMethod::Head => Method::HEAD,
            HttpMethod::Options => Method::OPTIONS,
        },
        path: http.path.clone(),
        host: http.host.clone(),
        version: match http.version {
            HttpVersion::V1_0 => Version::HTTP_10,
            HttpVersion::V1_1 => Version::HTTP_11,
        },
        headers,
        secrets: secret.into_iter().map(String::into_bytes).collect(),
        status: http.status.clone(),
        digest: http.digest.as_ref().map(digest).transpose()?,
        body: body.transpose()?,
    })
}

/// A host without its port: `example.com`, `[2001:db8::1]` without brackets.
fn without_port(host: &str) -> String {
    if let Some(inner) = host.strip_prefix('[') {
        return inner.split(']').next().unwrap_or_default().to_owned();
    }
    match host.split_once(':') {
        Some((name, port)) if !port.contains(':') => name.to_owned(),
        _ => host.to_owned(),
    }
}

/// Address and port as a `Host` header: without the port where it is the usual one.
pub(super) fn host_of(target: SocketAddr, tls: bool) -> String {
    let usual = if tls { 443 } else { 80 };
    match target {
        SocketAddr::V4(target) if target.port() == usual => target.ip().to_string(),
        SocketAddr::V6(target) if target.port() == usual => format!("[{}]", target.ip()),
        target => target.to_string(),
    }
}

/// This machine's name, as a mail server is greeted with it.
fn host_name() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    if name.is_empty() { "localhost".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_said_as_browsers_say_it() {
        for (target, tls, host) in [
            ("192.0.2.1:80", false, "192.0.2.1"),
            ("192.0.2.1:443", false, "192.0.2.1:443"),
            ("192.0.2.1:443", true, "192.0.2.1"),
            ("[2001:db8::1]:80", false, "[2001:db8::1]"),
            ("[2001:db8::1]:8080", false, "[2001:db8::1]:8080"),
        ] {
            assert_eq!(host_of(target.parse().unwrap(), tls), host);
        }
        for (host, name) in [
            ("a.example:8080", "a.example"),
            ("a.example", "a.example"),
            ("[::1]:443", "::1"),
            ("::1", "::1"),
        ] {
            assert_eq!(without_port(host), name);
        }
    }
}
