//! HTTP_GET and SSL_GET: the pages that a web server must answer with.

use super::kept;
use super::names;
use super::reader::{Once, Reader, whole};
use super::syntax_notes::excerpt;
use super::syntax_words::Block;
use super::timing::Kept;
use super::tree::Statement;
use super::unacted;
use crate::finding::Code;
use crate::model::{BodyMatch, HttpCheck, HttpVersion, Pattern, Question, StatusRange, TlsOptions};

/// What a checker says of all its pages, and the pages.
pub(super) struct Pages<'s> {
    tls: bool,
    version: HttpVersion,
    sends_name: bool,
    urls: Vec<&'s Statement>,
}

impl<'s> Pages<'s> {
    /// Nothing yet.
    pub(super) fn new(tls: bool) -> Pages<'s> {
        Pages { tls, version: HttpVersion::V1_0, sends_name: false, urls: Vec::new() }
    }

    /// Reads a statement of the checker where it is about pages; whether it was.
    pub(super) fn read(
        &mut self,
        reader: &mut Reader<'_>,
        block: &Statement,
        inner: &'s Statement,
        kept: &mut Kept,
    ) -> bool {
        match inner.keyword.text.as_str() {
            "url" => self.urls.push(inner),
            "http_protocol" => {
                let Some(word) = reader.value(inner) else { return true };
                match word.text.as_str() {
                    "1.1" => self.version = HttpVersion::V1_1,
                    "1.0" | "1.0C" | "1.0c" => self.version = HttpVersion::V1_0,
                    _ => {
                        let versions = [("1.0", ()), ("1.0C", ()), ("1.1", ())];
                        _ = reader.choice(inner, word, &versions, "1.0");
                    }
                }
            }
            "enable_sni" => {
                self.sends_name = reader.flag(inner);
                if !self.tls {
                    let path = format!("{}/", block.keyword.text);
                    reader.aside(kept, &path, inner, Code::KeepalivedCheckDetail);
                }
            }
            _ => return false,
        }
        true
    }

    /// One check for each page. `host` is the name that the checker or the levels above it ask for.
    pub(super) fn checks(
        self,
        reader: &mut Reader<'_>,
        block: &Statement,
        host: Option<&String>,
        kept: &mut Kept,
    ) -> Vec<Question> {
        let mut checks = Vec::new();
        let tls = TlsOptions { send_name: self.sends_name, ..TlsOptions::unverified() };
        for url in &self.urls {
            let mut page = HttpCheck {
                tls: self.tls.then(|| tls.clone()),
                path: String::new(),
                host: host.cloned(),
                version: self.version,
                ..HttpCheck::default()
            };
            url_block(reader, block, url, &mut page, kept);
            if page.path.is_empty() {
                reader.warn(url.origin(), Code::KeepalivedUrlPath);
                kept::keep(kept, &format!("{}/", block.keyword.text), url);
                continue;
            }
            checks.push(Question::Http(page));
        }
        checks
    }
}

fn url_block(
    reader: &mut Reader<'_>,
    block: &Statement,
    url: &Statement,
    page: &mut HttpCheck,
    kept: &mut Kept,
) {
    let path = format!("{}/url/", block.keyword.text);
    let mut flags = String::new();
    let (mut regex, mut absent) = (None, false);
    let mut once = Once::default();
    for inner in url.inside() {
        if !inner.is("status_code") {
            once.note(reader, inner);
        }
        match inner.keyword.text.as_str() {
            "path" => page_path(reader, inner, page),
            "digest" => digest(reader, inner, page),
            "status_code" => status(reader, inner, page),
            "virtualhost" => page.host = names::host(reader, inner).or(page.host.take()),
            "regex" => regex = reader.value(inner).map(|word| (word.text.clone(), inner.value_origin())),
            "regex_no_match" => absent = reader.flag(inner),
            "regex_options" => regex_options(reader, inner, &mut flags, &path, kept),
            _ => unacted::aside(reader, kept, &path, Block::Url, inner),
        }
    }
    page.body = regex.and_then(|(regex, origin)| {
        let text = if flags.is_empty() { regex.clone() } else { format!("(?{flags}){regex}") };
        if Pattern::new(&text).is_ok_and(|pattern| pattern.is_match(b"")) {
            reader.warn(origin, Code::KeepalivedRegexNone).with("text", format!("\"{}\"", excerpt(&regex)));
        }
        match regex.is_empty() {
            false => Some(BodyMatch { text, regex: true, absent }),
            // Nothing to look for; that nothing must not be found is never true.
            true => absent.then(|| BodyMatch { text: "(?:)".to_owned(), regex: true, absent }),
        }
    });
}

fn page_path(reader: &mut Reader<'_>, statement: &Statement, page: &mut HttpCheck) {
    let Some(word) = reader.value(statement) else { return };
    // A blank would end the path on the wire.
    page.path = word.text.replace(' ', "%20");
    if !word.text.starts_with('/') {
        page.path.insert(0, '/');
    }
    if page.path != word.text {
        reader
            .warn(statement.origin_of(word), Code::KeepalivedPath)
            .with("text", excerpt(&word.text))
            .with("value", excerpt(&page.path))
            .suggest(Some(excerpt(&page.path)));
    }
}

fn digest(reader: &mut Reader<'_>, statement: &Statement, page: &mut HttpCheck) {
    let Some(word) = reader.value(statement) else { return };
    if word.text.len() == 32 && word.text.chars().all(|c| c.is_ascii_hexdigit()) {
        page.digest = Some(word.text.to_ascii_lowercase());
    } else {
        reader.warn(statement.origin_of(word), Code::KeepalivedDigest).with("text", excerpt(&word.text));
    }
}

/// Codes and ranges of them; what is none is left out.
fn status(reader: &mut Reader<'_>, statement: &Statement, page: &mut HttpCheck) {
    if statement.arguments.is_empty() {
        _ = reader.value(statement);
    }
    for word in &statement.arguments {
        let (first, last) = word.text.split_once('-').unwrap_or((&word.text, &word.text));
        let code = |text: &str| whole(text).and_then(|code| u16::try_from(code).ok());
        match code(first).zip(code(last)).and_then(|(first, last)| StatusRange::new(first, last)) {
            Some(range) => {
                if !page.status.contains(&range) {
                    page.status.push(range);
                }
            }
            None => {
                reader
                    .warn(statement.origin_of(word), Code::KeepalivedStatus)
                    .with("text", excerpt(&word.text));
            }
        }
    }
}

/// Options that every engine has become flags of the expression.
fn regex_options(
    reader: &mut Reader<'_>,
    statement: &Statement,
    flags: &mut String,
    path: &str,
    kept: &mut Kept,
) {
    let mut further = false;
    for word in &statement.arguments {
        let flag = match word.text.as_str() {
            "caseless" => 'i',
            "multiline" => 'm',
            "dotall" => 's',
            "extended" => 'x',
            "ungreedy" => 'U',
            _ => {
                further = true;
                reader
                    .warn(statement.origin_of(word), Code::KeepalivedCheckDetail)
                    .with("word", excerpt(&word.text));
                continue;
            }
        };
        if !flags.contains(flag) {
            flags.push(flag);
        }
    }
    if further {
        kept::keep(kept, path, statement);
    }
}
