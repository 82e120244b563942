//! A program with its arguments. No shell ever reads it; quotes only keep blanks within a word.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A program and its arguments, as a list of words; written in a form as one line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct CommandLine(Vec<String>);

/// A text that is no [`CommandLine`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandLineError {
    /// A quote is not closed.
    #[error("the quote {0} is not closed")]
    Quote(char),
    /// Nothing behind the last backslash.
    #[error("nothing follows the backslash at the end")]
    Backslash,
}

impl CommandLine {
    /// These words.
    pub fn new(words: impl IntoIterator<Item = impl Into<String>>) -> Self {
        CommandLine(words.into_iter().map(Into::into).collect())
    }

    /// The words of a text separated by blanks, where quotes mean nothing, as in lvs.cf.
    pub fn plain(text: &str) -> Self {
        CommandLine::new(text.split_whitespace())
    }

    /// Program and arguments.
    pub fn words(&self) -> &[String] {
        &self.0
    }

    /// The program; none where there is no word.
    pub fn program(&self) -> Option<&str> {
        self.0.first().map(String::as_str)
    }

    /// The words separated by blanks; none where that would not give the same words back.
    pub fn unquoted(&self) -> Option<String> {
        let text = self.0.join(" ");
        (CommandLine::plain(&text) == *self).then_some(text)
    }
}

impl FromStr for CommandLine {
    type Err = CommandLineError;

    /// Words separated by blanks. Between single quotes everything is as written; between double quotes and outside
    /// a backslash takes the next character as it is.
    fn from_str(text: &str) -> Result<Self, CommandLineError> {
        let mut words = Vec::new();
        let mut word: Option<String> = None;
        let mut open: Option<char> = None;
        let mut characters = text.chars();
        while let Some(c) = characters.next() {
            match (open, c) {
                (Some(quote), c) if c == quote => open = None,
                (None, '\'' | '"') => {
                    open = Some(c);
                    word.get_or_insert_default();
                }
                (None | Some('"'), '\\') => {
                    let next = characters.next().ok_or(CommandLineError::Backslash)?;
                    word.get_or_insert_default().push(next);
                }
                (None, c) if c.is_whitespace() => words.extend(word.take()),
                (_, c) => word.get_or_insert_default().push(c),
            }
        }
        if let Some(quote) = open {
            return Err(CommandLineError::Quote(quote));
        }
        words.extend(word);
        Ok(CommandLine(words))
    }
}

impl fmt::Display for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, word) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            let special = |c: char| c.is_whitespace() || matches!(c, '\'' | '"' | '\\');
            if !word.is_empty() && !word.contains(special) {
                f.write_str(word)?;
                continue;
            }
            f.write_str("\"")?;
            for c in word.chars() {
                if matches!(c, '"' | '\\') {
                    f.write_str("\\")?;
                }
                write!(f, "{c}")?;
            }
            f.write_str("\"")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_back_as_they_were() {
        for words in
            [vec![], vec!["/bin/true"], vec!["/bin/x", "a b", "", "it's", "say \"hi\"", "back\\slash", "\t"]]
        {
            let command = CommandLine::new(words.clone());
            assert_eq!(command.to_string().parse::<CommandLine>().unwrap(), command, "{command}");
        }
    }

    #[test]
    fn quotes_keep_blanks_within_a_word() {
        for (text, words) in [
            ("  /bin/x   -H  %h ", vec!["/bin/x", "-H", "%h"]),
            (r#"/bin/x 'a "b' "c 'd" e\ f"#, vec!["/bin/x", "a \"b", "c 'd", "e f"]),
            (r#"/bin/x --a="b c"d '\n'"#, vec!["/bin/x", "--a=b cd", "\\n"]),
            ("", vec![]),
            ("''", vec![""]),
        ] {
            assert_eq!(text.parse::<CommandLine>().unwrap().words(), words, "{text}");
        }
        assert_eq!("/bin/x 'a".parse::<CommandLine>(), Err(CommandLineError::Quote('\'')));
        assert_eq!("/bin/x \\".parse::<CommandLine>(), Err(CommandLineError::Backslash));
    }

    #[test]
    fn a_word_with_a_blank_needs_quotes() {
        assert_eq!(CommandLine::new(["/bin/x", "it's"]).unquoted().unwrap(), "/bin/x it's");
        assert_eq!(CommandLine::new(["/bin/x", "a b"]).unquoted(), None);
        assert_eq!(CommandLine::new(["/bin/x", ""]).unquoted(), None);
    }
}
