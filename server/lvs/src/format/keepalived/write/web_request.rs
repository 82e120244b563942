//! A text that is sent and compared, recognised as the request of a web page.
//!
//! Piranha's checks of web servers are such texts; keepalived has a checker for them, but none that sends any text.
//! Reads only what an HTTP checker can ask in the same way.

use crate::model::{HttpCheck, HttpVersion, StatusRange};

/// Headers that an HTTP checker sends by itself, or that change nothing about the status.
const IDLE_HEADERS: [&str; 5] = ["accept", "connection", "host", "pragma", "user-agent"];

/// The web check that a text and its expected answer stand for, with all status codes that the answer may begin
/// with; none where they are something else. Escapes are as in an lvs.cf.
pub(super) fn read(send: &str, expect: &str) -> Option<HttpCheck> {
    let send = unescaped(send)?;
    let mut lines = send.split('\n').map(|line| line.trim_end_matches('\r'));
    let mut words = lines.next()?.split(' ').filter(|word| !word.is_empty());
    let ("GET", path) = (words.next()?, words.next()?) else { return None };
    let version = match words.next() {
        None | Some("HTTP/1.0") => HttpVersion::V1_0,
        Some("HTTP/1.1") => HttpVersion::V1_1,
        Some(_) => return None,
    };
    let mut host = None;
    for line in lines.filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':')?;
        let name = name.to_ascii_lowercase();
        if !IDLE_HEADERS.contains(&name.as_str()) {
            return None;
        }
        if name == "host" {
            host = Some(value.trim().to_owned()).filter(|value| !value.is_empty());
        }
    }
    if words.next().is_some() || !path.starts_with('/') {
        return None;
    }
    let status = statuses(&unescaped(expect)?)?;
    Some(HttpCheck { path: path.to_owned(), host, version, status: vec![status], ..HttpCheck::default() })
}

/// The codes of answers that begin with a text, or match it as a regular expression without special signs.
fn statuses(expect: &str) -> Option<StatusRange> {
    let expect = expect.strip_prefix('^').unwrap_or(expect);
    let begins = |whole: &str| whole.starts_with(expect);
    if begins("HTTP/1.0 ") || begins("HTTP/1.1 ") {
        return StatusRange::new(100, 599);
    }
    let code = expect.strip_prefix("HTTP/1.0 ").or_else(|| expect.strip_prefix("HTTP/1.1 "))?;
    let digits = code.find(|c: char| !c.is_ascii_digit()).map_or(code, |at| code.get(..at).unwrap_or(""));
    let rest = code.get(digits.len()..)?;
    // The words behind the code are nobody's promise; only usual ones are passed over.
    if !rest.chars().all(|c| c == ' ' || c.is_ascii_alphabetic()) || (digits.len() < 3 && !rest.is_empty()) {
        return None;
    }
    let number: u16 = digits.parse().ok()?;
    match digits.len() {
        3 => StatusRange::new(number, number),
        2 => StatusRange::new(number * 10, number * 10 + 9),
        1 => StatusRange::new(number * 100, number * 100 + 99),
        _ => None,
    }
}

/// The text that is really sent; none with an escape that is none.
fn unescaped(text: &str) -> Option<String> {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            plain.push(c);
            continue;
        }
        plain.push(match chars.next()? {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            same @ ('\\' | '\'' | '"') => same,
            _ => return None,
        });
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_of_web_pages_are_recognised() {
        for (send, expect, path, host, status) in [
            (r"GET / HTTP/1.0\r\n\r\n", "HTTP", "/", None, "100-599"),
            (r"GET / HTTP/1.0\r\n\r\n", "", "/", None, "100-599"),
            (r"GET / HTTP/1.0\n\n", "HTTP/1.1 ", "/", None, "100-599"),
            (
                r"GET /up?x=1 HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n",
                "HTTP/1.1 200 OK",
                "/up?x=1",
                Some("shop.example"),
                "200",
            ),
            (r"GET /\r\n", "HTTP/1.0 2", "/", None, "200-299"),
            (r"GET / HTTP/1.0\r\n\r\n", "^HTTP/1.1 30", "/", None, "300-309"),
        ] {
            let http = read(send, expect).unwrap_or_else(|| panic!("{send} {expect}"));
            assert_eq!((http.path.as_str(), http.host.as_deref()), (path, host), "{send}");
            assert_eq!(http.status.iter().map(ToString::to_string).collect::<Vec<_>>(), [status], "{expect}");
        }
    }

    #[test]
    fn other_conversations_are_not() {
        for (send, expect) in [
            ("PING\\r\\n", "+PONG"),
            (r"HEAD / HTTP/1.0\r\n\r\n", "HTTP"),
            (r"POST / HTTP/1.0\r\n\r\n", "HTTP"),
            (r"GET / HTTP/1.0\r\nAuthorization: Basic eDp5\r\n\r\n", "HTTP"),
            (r"GET / HTTP/2\r\n\r\n", "HTTP"),
            (r"GET index.html HTTP/1.0\r\n\r\n", "HTTP"),
            (r"GET / HTTP/1.0\r\n\r\n", "<html>"),
            (r"GET / HTTP/1.0\r\n\r\n", "HTTP/1.[01] 200"),
            (r"GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 2000"),
            (r"GET / HTTP/1.0\q", "HTTP"),
            ("", "HTTP"),
        ] {
            assert_eq!(read(send, expect), None, "{send} {expect}");
        }
    }
}
