//! The checks of a server as rows of a form, each with the fields of every kind; the page shows those of its own.
//!
//! Secrets are never among the texts: a blank field keeps the one of the check that the row began as (`was`).

use lvs::model::{
    BodyMatch, Check, ClientIdentity, CommandLine, DnsRecord, Header, HttpCheck, HttpMethod, HttpVersion,
    Matching, Question, Secret, StatusRange, TlsOptions,
};

use super::{Reader, Row, rows};
use crate::fields::Fields;

/// Every kind of check, in the order of the list.
pub(crate) const KINDS: [&str; 13] = Question::KINDS;

const VERSIONS: [(&str, HttpVersion); 2] = [("1.1", HttpVersion::V1_1), ("1.0", HttpVersion::V1_0)];

/// Fields that hold secrets.
const SECRETS: [&str; 3] = ["authorization", "password", "tls.identity.key"];

/// Line ends within a text as the escapes that mean the same; a field of one line would drop them.
fn one_line(text: &str) -> String {
    text.replace('\r', "\\r").replace('\n', "\\n")
}

/// The texts of a check, with the first values of the other kinds beside them.
pub(super) fn texts(fields: Fields, row: &Row, check: &Check) -> Fields {
    let (mut send, mut expect, mut command) = (None, None, None);
    let (mut regex, mut reply_needed, mut weight) = (false, false, false);
    let mut matching = Matching::Prefix;
    let (mut helo, mut name, mut record, mut answer) = (None, ".", DnsRecord::default(), None);
    let (mut user, mut database) = (None, None);
    let (first, plain) = (HttpCheck::default(), TlsOptions::default());
    let (mut http, mut tls) = (&first, &plain);
    match &check.question {
        Question::Connect | Question::Ping | Question::Mysql => {}
        Question::SendExpect { send: s, expect: e, matching: m } => {
            (send, expect, matching) = (s.as_deref(), e.as_deref(), *m);
        }
        Question::Program { command: c, expect: e, send: s, regex: r } => {
            (command, send, expect, regex) = (Some(c), s.as_deref(), e.as_deref(), *r);
        }
        Question::Command { command: c, weight: w } => (command, weight) = (Some(c), *w),
        Question::Http(h) => (http, tls) = (h, h.tls.as_ref().unwrap_or(&plain)),
        Question::Tls { tls: t } => tls = t,
        Question::Smtp { helo: h } => helo = h.as_ref(),
        Question::Dns { name: n, record: r, answer: a } => (name, record, answer) = (n, *r, a.as_ref()),
        Question::Udp { send: s, expect: e, reply_needed: r } => {
            (send, expect, reply_needed) = (s.as_deref(), e.as_deref(), *r);
        }
        Question::Postgres { user: u, database: d } => (user, database) = (Some(u), d.as_ref()),
        Question::Redis { user: u, .. } => user = u.as_ref(),
    }
    let fields = fields
        .with(&row.name("kind"), check.kind())
        .with_some(&row.name("command"), command)
        .with_tick(&row.name("weight"), weight)
        .with_some(&row.name("send"), send.map(one_line))
        .with_tick(&row.name("expect_empty"), expect == Some(""))
        .with_some(&row.name("expect"), expect.map(one_line))
        .with(&row.name("matching"), matching.as_str())
        .with_tick(&row.name("regex"), regex)
        .with_some(&row.name("helo"), helo)
        .with(&row.name("name"), name)
        .with(&row.name("record"), record.as_str())
        .with_some(&row.name("answer"), answer)
        .with_tick(&row.name("reply_needed"), reply_needed)
        .with_some(&row.name("user"), user)
        .with_some(&row.name("database"), database);
    way_texts(tls_texts(http_texts(fields, row, http), row, tls), row, check)
}

fn http_texts(fields: Fields, row: &Row, http: &HttpCheck) -> Fields {
    let status: Vec<String> = http.status.iter().map(ToString::to_string).collect();
    let headers: Vec<String> = http.headers.iter().map(|h| format!("{}: {}", h.name, h.value)).collect();
    let version = VERSIONS.iter().find(|(_, v)| *v == http.version).map_or("1.1", |(word, _)| word);
    let body = http.body.as_ref();
    fields
        .with_tick(&row.name("secure"), http.tls.is_some())
        .with(&row.name("method"), http.method.as_str())
        .with(&row.name("path"), &http.path)
        .with_some(&row.name("host"), http.host.as_ref())
        .with(&row.name("version"), version)
        .with(&row.name("headers"), headers.join("\n"))
        .with(&row.name("status"), status.join(", "))
        .with_some(&row.name("digest"), http.digest.as_ref())
        .with_some(&row.name("body.text"), body.map(|body| one_line(&body.text)))
        .with_tick(&row.name("body.regex"), body.is_some_and(|body| body.regex))
        .with_tick(&row.name("body.absent"), body.is_some_and(|body| body.absent))
}

fn tls_texts(fields: Fields, row: &Row, tls: &TlsOptions) -> Fields {
    fields
        .with_some(&row.name("tls.name"), tls.name.as_ref())
        .with_tick(&row.name("tls.send_name"), tls.send_name)
        .with_tick(&row.name("tls.verify"), tls.verify)
        .with(&row.name("tls.expiry_days"), tls.expiry_days)
        .with_some(&row.name("tls.authorities"), tls.authorities.as_ref())
        .with_some(&row.name("tls.identity.certificate"), tls.identity.as_ref().map(|i| &i.certificate))
}

fn way_texts(fields: Fields, row: &Row, check: &Check) -> Fields {
    fields
        .with_some(&row.name("address"), check.address)
        .with_some(&row.name("port"), check.port)
        .with_some(&row.name("source"), check.source)
        .with_some(&row.name("source_port"), check.source_port)
        .with_some(&row.name("interface"), check.interface.as_ref())
        .with_some(&row.name("mark"), check.mark)
        .with_some(&row.name("interval_ms"), check.interval_ms)
        .with_some(&row.name("timeout_ms"), check.timeout_ms)
        .with_some(&row.name("fall"), check.fall)
        .with_some(&row.name("retry_delay_ms"), check.retry_delay_ms)
}

/// The check that a row describes; `old` are those that the form began with.
pub(super) fn read(reader: &mut Reader<'_>, row: &Row, old: &[Check]) -> Check {
    let before = reader.text(&row.name("was")).parse().ok().and_then(|was: usize| old.get(was));
    Check {
        address: reader.address(&row.name("address"), None),
        port: reader.number(&row.name("port"), None),
        source: reader.address(&row.name("source"), None),
        source_port: reader.number(&row.name("source_port"), None),
        interface: reader.device(&row.name("interface"), None),
        mark: reader.mark(&row.name("mark"), None),
        interval_ms: reader.number(&row.name("interval_ms"), None),
        timeout_ms: reader.number(&row.name("timeout_ms"), None),
        fall: reader.number(&row.name("fall"), None),
        retry_delay_ms: reader.number(&row.name("retry_delay_ms"), None),
        question: question(reader, row, before.map(|check| &check.question)),
    }
}

/// A text whose blanks at the ends may matter, as those of protocols do.
fn raw(reader: &Reader<'_>, row: &Row, field: &str) -> Option<String> {
    Some(reader.raw(&row.name(field)).to_owned()).filter(|text| !text.is_empty())
}

fn question(reader: &mut Reader<'_>, row: &Row, before: Option<&Question>) -> Question {
    let send = raw(reader, row, "send");
    let any = reader.ticked(&row.name("expect_empty"));
    let expect = raw(reader, row, "expect").or_else(|| any.then(String::new));
    match reader.text(&row.name("kind")) {
        "connect" => Question::Connect,
        "send-expect" => {
            let all = Matching::ALL.map(|matching| (matching.as_str(), matching));
            let matching = reader.choice(&row.name("matching"), &all, Matching::Prefix);
            Question::SendExpect { send, expect, matching }
        }
        "program" => {
            let regex = reader.ticked(&row.name("regex"));
            Question::Program { command: command(reader, row), expect, send, regex }
        }
        "command" => {
            let weight = reader.ticked(&row.name("weight"));
            Question::Command { command: command(reader, row), weight }
        }
        "http" => Question::Http(http(reader, row, before)),
        "tls" => {
            let old = match before {
                Some(Question::Tls { tls }) => tls.identity.as_ref(),
                _ => None,
            };
            Question::Tls { tls: tls(reader, row, old) }
        }
        "smtp" => Question::Smtp { helo: reader.filled(&row.name("helo")) },
        "dns" => {
            let records = DnsRecord::ALL.map(|record| (record.as_str(), record));
            let record = reader.choice(&row.name("record"), &records, DnsRecord::default());
            let answer = reader.filled(&row.name("answer"));
            Question::Dns { name: reader.text(&row.name("name")).to_owned(), record, answer }
        }
        "udp" => Question::Udp {
            send: reader.filled(&row.name("send")),
            expect: reader.filled(&row.name("expect")),
            reply_needed: reader.ticked(&row.name("reply_needed")),
        },
        "ping" => Question::Ping,
        "mysql" => Question::Mysql,
        "postgres" => Question::Postgres {
            user: reader.filled(&row.name("user")).unwrap_or_else(|| "caribe".to_owned()),
            database: reader.filled(&row.name("database")),
        },
        "redis" => {
            let old = match before {
                Some(Question::Redis { password, .. }) => password.as_ref(),
                _ => None,
            };
            let password = secret(reader, row, ("password", "no_password"), old);
            Question::Redis { user: reader.filled(&row.name("user")), password }
        }
        _ => {
            reader.wrong(&row.name("kind"), "wrong-choice");
            Question::Connect
        }
    }
}

/// A typed secret, else the old one unless it is to go.
fn secret(reader: &Reader<'_>, row: &Row, (field, no): (&str, &str), old: Option<&Secret>) -> Option<Secret> {
    match raw(reader, row, field) {
        Some(text) => Some(Secret::new(text)),
        None if reader.ticked(&row.name(no)) => None,
        None => old.cloned(),
    }
}

fn command(reader: &mut Reader<'_>, row: &Row) -> CommandLine {
    let name = row.name("command");
    let text = reader.text(&name).to_owned();
    text.parse().unwrap_or_else(|_| {
        reader.wrong(&name, "wrong-command");
        CommandLine::plain(&text)
    })
}

fn http(reader: &mut Reader<'_>, row: &Row, before: Option<&Question>) -> HttpCheck {
    let words = reader.text(&row.name("status")).split([',', ' ']).filter(|word| !word.is_empty());
    let status: Result<Vec<StatusRange>, _> = words.map(str::parse).collect();
    if status.is_err() {
        reader.wrong(&row.name("status"), "wrong-status");
    }
    let old = match before {
        Some(Question::Http(http)) => Some(http),
        _ => None,
    };
    let old_identity = old.and_then(|http| http.tls.as_ref()?.identity.as_ref());
    let options = tls(reader, row, old_identity);
    let (regex, absent) = (reader.ticked(&row.name("body.regex")), reader.ticked(&row.name("body.absent")));
    let old_authorization = old.and_then(|http| http.authorization.as_ref());
    HttpCheck {
        tls: reader.ticked(&row.name("secure")).then_some(options),
        method: reader.choice(
            &row.name("method"),
            &HttpMethod::ALL.map(|m| (m.as_str(), m)),
            HttpMethod::Get,
        ),
        path: reader.text(&row.name("path")).to_owned(),
        host: reader.filled(&row.name("host")),
        version: reader.choice(&row.name("version"), &VERSIONS, HttpVersion::default()),
        headers: headers(reader, row),
        authorization: secret(reader, row, ("authorization", "no_authorization"), old_authorization),
        status: status.unwrap_or_default(),
        digest: reader.filled(&row.name("digest")),
        body: raw(reader, row, "body.text").map(|text| BodyMatch { text, regex, absent }),
    }
}

/// Headers, one in each line.
fn headers(reader: &mut Reader<'_>, row: &Row) -> Vec<Header> {
    let name = row.name("headers");
    let lines = reader.raw(&name).lines().map(str::trim).filter(|line| !line.is_empty());
    let read: Option<Vec<Header>> = lines
        .map(|line| {
            let (name, value) = line.split_once(':')?;
            Some(Header { name: name.trim().to_owned(), value: value.trim().to_owned() })
        })
        .collect();
    if read.is_none() {
        reader.wrong(&name, "wrong-headers");
    }
    read.unwrap_or_default()
}

fn tls(reader: &mut Reader<'_>, row: &Row, old: Option<&ClientIdentity>) -> TlsOptions {
    let certificate = raw(reader, row, "tls.identity.certificate").filter(|text| !text.trim().is_empty());
    let key = raw(reader, row, "tls.identity.key").map(Secret::new);
    TlsOptions {
        name: reader.filled(&row.name("tls.name")),
        send_name: reader.ticked(&row.name("tls.send_name")),
        verify: reader.ticked(&row.name("tls.verify")),
        expiry_days: reader.number(&row.name("tls.expiry_days"), None).unwrap_or(0),
        authorities: raw(reader, row, "tls.authorities").filter(|text| !text.trim().is_empty()),
        identity: certificate.map(|certificate| {
            let key = key.or_else(|| old.map(|old| old.key.clone())).unwrap_or_default();
            ClientIdentity { certificate, key }
        }),
    }
}

/// A form that is shown again forgets the secrets typed into it, and says so.
pub(crate) fn without_secrets(fields: Fields) -> (Fields, Vec<String>) {
    let mut forgotten = Vec::new();
    let mut fields = fields;
    for row in rows::of(&fields, "checks") {
        for field in SECRETS.map(|field| row.name(field)) {
            if !fields.get(&field).is_empty() {
                fields = fields.replaced(&field, "");
                forgotten.push(field);
            }
        }
    }
    (fields, forgotten)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locale::Locale;

    /// A check as its row gives it back.
    fn again(check: &Check, more: &[(&str, &str)]) -> Check {
        let row = Row::new("checks", 4);
        let fields = texts(Fields::default(), &row, check).with(&row.name("was"), 0);
        let fields = more.iter().fold(fields, |fields, (name, text)| fields.with(&row.name(name), text));
        let mut reader = Reader::new(&["checks.*.kind"], &fields, Locale::default());
        let read = read(&mut reader, &row, std::slice::from_ref(check));
        assert!(!reader.finish().failed());
        read
    }

    #[test]
    fn every_kind_comes_back_as_it_was() {
        for check in [
            r#"{"kind":"connect"}"#,
            r#"{"kind":"connect","address":"10.0.0.7","port":81,"source":"10.0.0.1","source_port":99,
                "interface":"eth1","mark":7,"interval_ms":500,"timeout_ms":400,"fall":3,"retry_delay_ms":0}"#,
            r#"{"kind":"send-expect"}"#,
            r#"{"kind":"send-expect","send":" GET / \\r\\n","expect":"","matching":"regex"}"#,
            r#"{"kind":"program","command":["/bin/probe","%h"],"expect":"ok ","send":"x","regex":true}"#,
            r#"{"kind":"command","command":["/bin/probe","-v","a b"],"weight":true}"#,
            r#"{"kind":"http"}"#,
            r#"{"kind":"http","tls":{"verify":false,"name":"a.example","send_name":false,"expiry_days":0,
                "authorities":"CA\n","identity":{"certificate":"C\n","key":"K\n"}},"path":"/up?x=1",
                "host":"www.example.com","version":"1.0","method":"HEAD","status":["200","301-302"],
                "headers":[{"name":"X-A","value":"1: 2"}],"authorization":"Bearer x",
                "digest":"0123456789abcdef0123456789abcdef","body":{"text":" ok$","regex":true,"absent":true}}"#,
            r#"{"kind":"tls"}"#,
            r#"{"kind":"tls","tls":{"name":"a.example","identity":{"certificate":"C","key":"K"}}}"#,
            r#"{"kind":"smtp"}"#,
            r#"{"kind":"smtp","helo":"lb.example.com"}"#,
            r#"{"kind":"dns"}"#,
            r#"{"kind":"dns","name":"example.com","record":"AAAA","answer":"2001:db8::1"}"#,
            r#"{"kind":"udp"}"#,
            r#"{"kind":"udp","send":"00ff","expect":"0X","reply_needed":true}"#,
            r#"{"kind":"ping"}"#,
            r#"{"kind":"mysql"}"#,
            r#"{"kind":"postgres"}"#,
            r#"{"kind":"postgres","user":"probe","database":"shop"}"#,
            r#"{"kind":"redis"}"#,
            r#"{"kind":"redis","user":"probe","password":"hidden"}"#,
        ] {
            let check: Check = serde_json::from_str(check).unwrap();
            assert!(KINDS.contains(&check.kind()));
            assert_eq!(again(&check, &[]), check);
        }
    }

    #[test]
    fn secrets_are_not_in_the_form_and_can_be_changed() {
        let check: Check = serde_json::from_str(r#"{"kind":"redis","password":"hidden"}"#).unwrap();
        let fields = texts(Fields::default(), &Row::new("checks", 0), &check);
        assert!(fields.names().all(|name| !fields.get(name).contains("hidden")));
        let password = |check: Check| match check.question {
            Question::Redis { password, .. } => password.map(|secret| secret.reveal().to_owned()),
            _ => None,
        };
        assert_eq!(password(again(&check, &[("password", "other")])).as_deref(), Some("other"));
        assert_eq!(password(again(&check, &[("no_password", "on")])), None);
        let (fields, forgotten) = without_secrets(fields.with("checks.0.password", "typed"));
        assert_eq!(forgotten, ["checks.0.password"]);
        assert_eq!(fields.get("checks.0.password"), "");
    }

    #[test]
    fn a_line_end_becomes_its_escape() {
        let send = Some("a\r\nb".to_owned());
        let check = Question::SendExpect { send, expect: None, matching: Matching::Prefix }.into();
        let fields = texts(Fields::default(), &Row::new("checks", 0), &check);
        assert_eq!(fields.get("checks.0.send"), "a\\r\\nb");
    }
}
