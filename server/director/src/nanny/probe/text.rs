//! Bytes of a conversation as text that may be shown: escaped, and with secrets masked.

/// What stands in the place of a secret.
const MASK: &str = "***";

/// Headers whose values nobody is shown (RFC 9110 sections 11.6, 11.7; RFC 6265).
const SECRET_HEADERS: [&str; 5] =
    ["authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"];

/// Shows bytes: printable ASCII as it is, line ends and tabs as `\r`, `\n` (followed by a real line end) and `\t`, all
/// else as `\xHH`. Each of `secrets` and the values of headers that carry them are masked.
pub(crate) fn shown(bytes: &[u8], secrets: &[Vec<u8>]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        match secret_header(line) {
            Some(name) => {
                escape(name, &mut text);
                text.push_str(": ");
                text.push_str(MASK);
                escape(ending(line), &mut text);
            }
            None => escape(line, &mut text),
        }
    }
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        let mut written = String::new();
        escape(secret, &mut written);
        text = text.replace(&written, MASK);
    }
    text
}

/// The name of a header that carries a secret.
fn secret_header(line: &[u8]) -> Option<&[u8]> {
    let at = line.iter().position(|&byte| byte == b':')?;
    let name = line.get(..at)?;
    SECRET_HEADERS.iter().any(|secret| name.eq_ignore_ascii_case(secret.as_bytes())).then_some(name)
}

/// The line end.
fn ending(line: &[u8]) -> &[u8] {
    let length = line.iter().rev().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    line.get(line.len() - length..).unwrap_or_default()
}

fn escape(bytes: &[u8], text: &mut String) {
    for &byte in bytes {
        match byte {
            b'\r' => text.push_str("\\r"),
            b'\n' => text.push_str("\\n\n"),
            b'\t' => text.push_str("\\t"),
            b'\\' => text.push_str("\\\\"),
            b' '..=b'~' => text.push(char::from(byte)),
            _ => {
                text.push_str("\\x");
                for nibble in [byte >> 4, byte & 15] {
                    text.extend(char::from_digit(u32::from(nibble), 16));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_readable_and_unambiguous() {
        assert_eq!(shown(b"HTTP/1.0 200 OK\r\n\0\xff\\", &[]), "HTTP/1.0 200 OK\\r\\n\n\\x00\\xff\\\\");
    }

    #[test]
    fn secrets_are_not_shown() {
        let sent = b"GET / HTTP/1.1\r\nAuthorization: Basic Zm9v\r\nX-Key: hunter2\r\n\r\nhunter2";
        let text = shown(sent, &[b"hunter2".to_vec(), Vec::new()]);
        assert_eq!(text, "GET / HTTP/1.1\\r\\n\nAuthorization: ***\\r\\n\nX-Key: ***\\r\\n\n\\r\\n\n***");
        assert_eq!(shown(b"Cookie: a=b", &[]), "Cookie: ***");
    }
}
