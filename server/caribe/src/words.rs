//! An error with its causes, as one line on the terminal.

/// The error, then each cause that has not been said already: many errors name their cause in their own text.
pub(crate) fn in_words(error: &anyhow::Error) -> String {
    let mut words = String::new();
    for cause in error.chain() {
        let text = cause.to_string();
        if words.contains(&text) {
            continue;
        }
        if !words.is_empty() {
            words.push_str(": ");
        }
        words.push_str(&text);
    }
    words
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[derive(Debug)]
    struct Refused(std::io::Error);

    impl std::fmt::Display for Refused {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "refused by the console: {}", self.0)
        }
    }

    impl std::error::Error for Refused {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn a_cause_is_said_once() {
        let told = Refused(std::io::Error::other("the token is unknown"));
        assert_eq!(in_words(&told.into()), "refused by the console: the token is unknown");
        let error = Err::<(), _>(std::io::Error::other("no such file")).context("cannot listen").unwrap_err();
        assert_eq!(in_words(&error), "cannot listen: no such file");
    }
}
