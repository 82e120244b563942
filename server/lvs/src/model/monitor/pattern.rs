//! Regular expressions of checks, compiled in one place so that what the rules accept is what runs.

use regex::bytes::{Regex, RegexBuilder};

/// Most bytes that a compiled expression may take.
const SIZE_MAXIMUM: usize = 256 * 1024;

/// A regular expression that was compiled. It is searched for anywhere in the answer, in time linear to its length.
#[derive(Clone, Debug)]
pub struct Pattern(Regex);

impl Pattern {
    /// Compiles a text. The error says in one line what is wrong with it.
    pub fn new(text: &str) -> Result<Pattern, String> {
        let compiled = RegexBuilder::new(text).size_limit(SIZE_MAXIMUM).dfa_size_limit(SIZE_MAXIMUM).build();
        compiled.map(Pattern).map_err(|error| {
            // The library draws the expression with a marker below it; the sentence is the last line.
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default().trim();
            last.strip_prefix("error: ").unwrap_or(last).to_owned()
        })
    }

    /// Whether it matches anywhere in the bytes.
    pub fn is_match(&self, bytes: &[u8]) -> bool {
        self.0.is_match(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_of_the_old_checkers_match() {
        for (text, answer, fits) in [
            ("^HTTP/1\\.[01] (200|204)", "HTTP/1.1 204 No Content", true),
            ("^220[ -].*ESMTP", "220 mail ESMTP ready", true),
            ("[[:digit:]]{3}", "code 404", true),
            ("^OK$", "NOT OK", false),
        ] {
            assert_eq!(Pattern::new(text).unwrap().is_match(answer.as_bytes()), fits, "{text}");
        }
    }

    #[test]
    fn what_does_not_compile_is_said_in_one_line() {
        for text in ["(", "a{1,99999999}", "(?=b)", "\\1", "*"] {
            let error = Pattern::new(text).unwrap_err();
            assert!(!error.is_empty() && !error.contains('\n'), "{error}");
        }
    }
}
