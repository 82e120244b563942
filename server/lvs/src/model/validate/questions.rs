//! Rules for what real servers are asked: texts that can be sent, answers that can be compared.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::words;
use crate::finding::{Code, Finding, Findings};
use crate::model::{
    ClientIdentity, DnsRecord, HttpCheck, HttpMethod, Matching, Pattern, Question, Secret, TlsOptions,
};

/// Most further headers of a request.
pub const HEADERS_MAXIMUM: usize = 32;
/// Longest certificate or key, bytes of PEM.
pub const PEM_MAXIMUM: usize = 65_536;
/// Longest warning before the end of a certificate, days.
pub const EXPIRY_MAXIMUM_DAYS: u16 = 3_650;
/// Longest secret of a check, bytes.
pub const SECRET_MAXIMUM: usize = 4_096;

/// The rules of one question; `pointer` is its check's.
pub(super) fn check(findings: &mut Findings, pointer: &str, question: &Question) {
    let mut text = |field: &str, text: &Option<String>| {
        if let Some(text) = text {
            words::text(findings, &format!("{pointer}/{field}"), text);
        }
    };
    match question {
        Question::Connect | Question::Ping | Question::Mysql => {}
        Question::SendExpect { send, expect, matching } => {
            text("send", send);
            text("expect", expect);
            if *matching == Matching::Regex {
                pattern(findings, &format!("{pointer}/expect"), expect.as_deref());
            }
        }
        Question::Program { command, expect, send, regex } => {
            text("send", send);
            text("expect", expect);
            if *regex {
                pattern(findings, &format!("{pointer}/expect"), expect.as_deref());
            }
            words::command(findings, &format!("{pointer}/command"), command);
        }
        Question::Command { command, .. } => {
            words::command(findings, &format!("{pointer}/command"), command);
        }
        Question::Http(http) => web(findings, pointer, http),
        Question::Tls { tls: options } => tls(findings, &format!("{pointer}/tls"), options),
        Question::Smtp { helo } => host(findings, &format!("{pointer}/helo"), helo.as_deref()),
        Question::Dns { name, record, answer } => {
            if !is_domain(name) {
                findings.push(
                    Finding::field(format!("{pointer}/name"), Code::CheckName)
                        .with("text", name.escape_debug()),
                );
            }
            if let Some(answer) = answer {
                data(findings, &format!("{pointer}/answer"), *record, answer);
            }
        }
        Question::Udp { send, expect, .. } => {
            hexadecimal(findings, &format!("{pointer}/send"), send.as_deref(), false);
            hexadecimal(findings, &format!("{pointer}/expect"), expect.as_deref(), true);
        }
        Question::Postgres { user: name, database } => {
            user(findings, &format!("{pointer}/user"), Some(name));
            user(findings, &format!("{pointer}/database"), database.as_deref());
        }
        Question::Redis { user: name, password } => {
            user(findings, &format!("{pointer}/user"), name.as_deref());
            secret(findings, &format!("{pointer}/password"), password.as_ref());
        }
    }
}

fn pattern(findings: &mut Findings, pointer: &str, text: Option<&str>) {
    if let Some(text) = text
        && let Err(error) = Pattern::new(text)
    {
        let text: String = text.chars().take(200).collect();
        findings.push(
            Finding::field(pointer, Code::CheckPattern)
                .with("text", text.escape_debug())
                .with("error", error),
        );
    }
}

fn web(findings: &mut Findings, pointer: &str, http: &HttpCheck) {
    path(findings, pointer, &http.path);
    host(findings, &format!("{pointer}/host"), http.host.as_deref());
    headers(findings, pointer, http);
    secret(findings, &format!("{pointer}/authorization"), http.authorization.as_ref());
    if let Some(digest) = &http.digest
        && (digest.len() != 32 || !digest.chars().all(|c| c.is_ascii_hexdigit()))
    {
        findings.push(
            Finding::field(format!("{pointer}/digest"), Code::CheckDigest)
                .with("text", digest.escape_debug()),
        );
    }
    if let Some(body) = &http.body {
        let pointer = format!("{pointer}/body/text");
        words::text(findings, &pointer, &body.text);
        if body.text.is_empty() {
            findings.push(Finding::field(&pointer, Code::CheckBodyEmpty));
        } else if body.regex {
            pattern(findings, &pointer, Some(&body.text));
        }
    }
    if http.method == HttpMethod::Head && (http.body.is_some() || http.digest.is_some()) {
        findings.push(
            Finding::field(format!("{pointer}/method"), Code::CheckBodyHead)
                .with("method", http.method.as_str()),
        );
    }
    if let Some(options) = &http.tls {
        tls(findings, &format!("{pointer}/tls"), options);
    }
}

/// A path with query; `pointer` is that of what has it.
pub(super) fn path(findings: &mut Findings, pointer: &str, path: &str) {
    let pointer = format!("{pointer}/path");
    words::text(findings, &pointer, path);
    // A request line and a header are made of these; a line end would make two.
    if !path.starts_with('/') || !path.chars().all(|c| !c.is_control() && c != ' ') {
        findings.push(Finding::field(pointer, Code::CheckPath).with("text", path.escape_debug()));
    }
}

fn headers(findings: &mut Findings, pointer: &str, http: &HttpCheck) {
    if http.headers.len() > HEADERS_MAXIMUM {
        findings.push(
            Finding::field(format!("{pointer}/headers"), Code::CheckHeadersMany)
                .with("maximum", HEADERS_MAXIMUM)
                .with("count", http.headers.len()),
        );
    }
    for (index, header) in http.headers.iter().enumerate() {
        let pointer = format!("{pointer}/headers/{index}");
        let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        let name_fits = !header.name.is_empty() && header.name.len() <= 128 && header.name.chars().all(token);
        words::text(findings, &format!("{pointer}/value"), &header.value);
        if !name_fits || header.value.chars().any(char::is_control) {
            let field = if name_fits { "value" } else { "name" };
            let text = format!("{}: {}", header.name, header.value);
            findings.push(
                Finding::field(format!("{pointer}/{field}"), Code::CheckHeader)
                    .with("text", text.chars().take(200).collect::<String>().escape_debug()),
            );
        }
        let own = match header.name.to_ascii_lowercase().as_str() {
            "host" => "host",
            "authorization" => "authorization",
            "connection" | "content-length" | "transfer-encoding" => "version",
            _ => continue,
        };
        findings.push(
            Finding::field(format!("{pointer}/name"), Code::CheckHeaderOwn)
                .with("name", &header.name)
                .with("field", own),
        );
    }
}

/// `pointer` is that of the TLS settings.
fn tls(findings: &mut Findings, pointer: &str, options: &TlsOptions) {
    host(findings, &format!("{pointer}/name"), options.name.as_deref());
    if options.expiry_days > EXPIRY_MAXIMUM_DAYS {
        findings.push(
            Finding::field(format!("{pointer}/expiry_days"), Code::CheckExpiry)
                .with("maximum", EXPIRY_MAXIMUM_DAYS)
                .with("value", options.expiry_days),
        );
    }
    if let Some(authorities) = &options.authorities {
        let pointer = format!("{pointer}/authorities");
        pem(findings, &pointer, authorities, "CERTIFICATE");
        if !options.verify {
            findings.push(Finding::field(pointer, Code::CheckVerifyOff).warning());
        }
    }
    if let Some(ClientIdentity { certificate, key }) = &options.identity {
        pem(findings, &format!("{pointer}/identity/certificate"), certificate, "CERTIFICATE");
        let pointer = format!("{pointer}/identity/key");
        if key.is_masked() {
            findings.push(Finding::field(pointer, Code::SecretMasked));
        } else {
            pem(findings, &pointer, key.reveal(), "PRIVATE KEY");
        }
    }
}

/// Looks at the frame of a PEM text only; what is in it is read where it is used.
fn pem(findings: &mut Findings, pointer: &str, text: &str, label: &str) {
    if text.len() > PEM_MAXIMUM {
        findings.push(
            Finding::field(pointer, Code::CheckPemMany)
                .with("maximum", PEM_MAXIMUM)
                .with("length", text.len()),
        );
        return;
    }
    let end = format!("{label}-----");
    let marked = |begin: &str| {
        text.lines().any(|line| line.trim().strip_prefix(begin).is_some_and(|rest| rest.ends_with(&end)))
    };
    if !marked("-----BEGIN ") || !marked("-----END ") {
        findings.push(Finding::field(pointer, Code::CheckPem).with("kind", label));
    }
}

fn secret(findings: &mut Findings, pointer: &str, secret: Option<&Secret>) {
    let Some(secret) = secret else { return };
    let text = secret.reveal();
    if secret.is_masked() {
        findings.push(Finding::field(pointer, Code::SecretMasked));
    } else if text.is_empty() || text.len() > SECRET_MAXIMUM || text.chars().any(char::is_control) {
        findings.push(Finding::field(pointer, Code::CheckSecret));
    }
}

fn host(findings: &mut Findings, pointer: &str, host: Option<&str>) {
    let allowed = |c: char| c.is_ascii_graphic() && !matches!(c, '/' | '\\' | '"');
    if let Some(host) = host
        && (host.is_empty() || host.len() > 255 || !host.chars().all(allowed))
    {
        findings.push(Finding::field(pointer, Code::CheckName).with("text", host.escape_debug()));
    }
}

fn user(findings: &mut Findings, pointer: &str, name: Option<&str>) {
    if let Some(name) = name
        && (name.is_empty() || name.chars().count() > 64 || name.chars().any(char::is_control))
    {
        let text: String = name.chars().take(200).collect();
        findings.push(Finding::field(pointer, Code::CheckUser).with("text", text.escape_debug()));
    }
}

/// Whether a name server can be asked for it: labels of 1 to 63 bytes (RFC 1035 §2.3.4), or the root.
pub(crate) fn is_domain(name: &str) -> bool {
    let label = |label: &str| (1..=63).contains(&label.len());
    let labels = name.strip_suffix('.').unwrap_or(name);
    name.len() <= 255
        && name.chars().all(|c| c.is_ascii_graphic())
        && (name == "." || labels.split('.').all(label))
}

/// The data of a record in the form that name servers show.
fn data(findings: &mut Findings, pointer: &str, record: DnsRecord, answer: &str) {
    let fits = match record {
        DnsRecord::A => answer.parse::<Ipv4Addr>().is_ok(),
        DnsRecord::Aaaa => answer.parse::<Ipv6Addr>().is_ok(),
        _ => !answer.trim().is_empty() && !answer.chars().any(char::is_control),
    };
    words::text(findings, pointer, answer);
    if !fits {
        findings.push(
            Finding::field(pointer, Code::CheckAnswer)
                .with("text", answer.escape_debug())
                .with("record", record.as_str()),
        );
    }
}

fn hexadecimal(findings: &mut Findings, pointer: &str, text: Option<&str>, wildcards: bool) {
    let Some(text) = text else { return };
    let allowed = |c: &char| c.is_ascii_hexdigit() || (wildcards && matches!(c, 'x' | 'X'));
    let digits: Vec<char> = text.chars().filter(|c| *c != ' ').collect();
    if digits.is_empty() || !digits.len().is_multiple_of(2) || !digits.iter().all(allowed) {
        findings.push(Finding::field(pointer, Code::CheckBytes).with("text", text.escape_debug()));
    }
    words::text(findings, pointer, text);
}
