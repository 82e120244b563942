//! The text of a keepalived.conf, line by line, and the words that can stand in it.
//!
//! Knows how keepalived splits lines, and nothing of what the words mean. What keepalived has no way to read back is
//! refused here, so that no value can end its statement.

use std::fmt::Display;

/// Bytes of a line that keepalived reads, its end included; one more than it takes is lost.
pub(super) const LINE_MAXIMUM: usize = 1_023;

/// Text so far.
#[derive(Debug, Default)]
pub(super) struct Page {
    text: String,
    depth: usize,
    /// Blocks around this line that are only comments.
    off: usize,
}

impl Page {
    /// The text, without empty lines at its end.
    pub(super) fn finish(mut self) -> String {
        self.text.truncate(self.text.trim_end().len());
        self.text.push('\n');
        self.text
    }

    /// A statement.
    pub(super) fn line(&mut self, words: impl Display) {
        let indent = "    ".repeat(self.depth);
        if self.off > 0 {
            self.text.push_str(cut(&format!("# {indent}{words}")));
        } else {
            self.text.push_str(&format!("{indent}{words}"));
        }
        self.text.push('\n');
    }

    /// The beginning of a block.
    pub(super) fn open(&mut self, head: impl Display) {
        self.line(format!("{head} {{"));
        self.depth += 1;
    }

    /// The end of a block.
    pub(super) fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.line("}");
    }

    /// An empty line between blocks.
    pub(super) fn gap(&mut self) {
        self.text.push('\n');
    }

    /// Comments, one for each line of a text; a long line is cut.
    pub(super) fn comment(&mut self, text: &str) {
        for line in text.split(['\n', '\r']) {
            let visible: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            let line = format!("{}# {}", "    ".repeat(self.depth), visible.trim_end());
            self.text.push_str(cut(&line).trim_end());
            self.text.push('\n');
        }
    }

    /// What is written until [`Page::on`] only says what could be: it becomes comments.
    pub(super) fn off(&mut self) {
        self.off += 1;
    }

    /// Ends what [`Page::off`] began.
    pub(super) fn on(&mut self) {
        self.off = self.off.saturating_sub(1);
    }

    /// Adds another page at the same depth.
    pub(super) fn append(&mut self, other: &Page) {
        self.text.push_str(&other.text);
    }
}

/// As much of a line as keepalived reads of one.
fn cut(line: &str) -> &str {
    let end = (0..=LINE_MAXIMUM.min(line.len())).rev().find(|end| line.is_char_boundary(*end));
    line.get(..end.unwrap_or(0)).unwrap_or("")
}

/// An argument that keepalived takes as it stands, in quotes where it needs them; none where there is no way to
/// write it.
///
/// Such words have no escapes, and variables are replaced even in quotes.
pub(super) fn plain(text: &str) -> Option<String> {
    let lost = text.contains('"')
        || text.chars().any(char::is_control)
        || matches!(text, "" | "{" | "}")
        || is_replaced(text)
        || text.ends_with('\\');
    if lost {
        return None;
    }
    let bare = |c: char| c.is_ascii_graphic() && !matches!(c, '#' | '!' | '{' | '}' | '\'');
    if text.chars().all(bare) && !text.starts_with("//") {
        return Some(text.to_owned());
    }
    // Whether a backslash in quotes is one depends on the keyword.
    (!text.contains('\\')).then(|| format!("\"{text}\""))
}

/// Whether keepalived would put something else in the place of a part of the text.
fn is_replaced(text: &str) -> bool {
    text.contains("${") || text.contains("$_") || text.contains("~SEQ") || text.contains("~LST")
}

/// A string of a keyword that knows escapes (`misc_path`, `notify_…`, `regex`), always in quotes.
///
/// Escapes are octal where a letter would not do, because hexadecimal ones have no fixed length.
pub(super) fn escaped(text: &str) -> String {
    let replaced = is_replaced(text);
    let lone_brace = matches!(text.trim(), "{" | "}");
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        let octal = match c {
            '\\' => {
                quoted.push_str("\\\\");
                continue;
            }
            // keepalived counts the quotes of a line before it knows about escapes.
            '"' => true,
            '$' | '~' => replaced,
            '{' | '}' => lone_brace,
            c => c.is_ascii_control(),
        };
        if octal {
            quoted.push_str(&format!("\\{:03o}", u32::from(c)));
        } else {
            quoted.push(c);
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_words_get_quotes_where_keepalived_needs_them() {
        for (text, written) in [
            ("director-a", Some("director-a")),
            ("/a?b=$c&d", Some("/a?b=$c&d")),
            ("a\\b", Some("a\\b")),
            ("my shop #1!", Some("\"my shop #1!\"")),
            ("{x}", Some("\"{x}\"")),
            ("//cdn", Some("\"//cdn\"")),
            ("北京", Some("\"北京\"")),
            ("", None),
            ("}", None),
            ("say \"hi\"", None),
            ("a\nb", None),
            ("a b\\c", None),
            ("end\\", None),
            ("${_PWD}", None),
            ("a~SEQ(x,1,9)", None),
        ] {
            assert_eq!(plain(text).as_deref(), written, "{text}");
        }
    }

    #[test]
    fn escaped_strings_keep_every_character() {
        for (text, written) in [
            ("/bin/check -x $y", r#""/bin/check -x $y""#),
            (r#"^"\d{3}"$"#, r#""^\042\\d{3}\042$""#),
            ("}", r#""\175""#),
            ("a\tb\nc", r#""a\011b\012c""#),
            ("${_PWD}", r#""\044{_PWD}""#),
        ] {
            assert_eq!(escaped(text), written, "{text}");
        }
    }

    #[test]
    fn what_is_off_is_a_comment_and_never_two_lines() {
        let mut page = Page::default();
        page.open("a");
        page.off();
        page.open("b");
        page.line("x".repeat(3_000));
        page.close();
        page.on();
        page.comment("one\ntwo\rthree");
        page.close();
        page.gap();
        let text = page.finish();
        assert!(text.ends_with("}\n"));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "a {");
        assert!(lines[1..4].iter().all(|line| line.starts_with("# ") && line.len() <= LINE_MAXIMUM));
        assert_eq!(lines[4..], ["    # one", "    # two", "    # three", "}"]);
    }
}
