//! What tests compare with files beside their examples: the findings of a reading, and whatever else is written down.
//!
//! A variable of the environment has the files written anew; look at the difference before keeping it.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use lvs::Finding;
use lvs::format::report::Line;

/// Findings in the lines of `caribe check`, each with the name of its text.
pub(crate) fn shown<'f>(findings: impl IntoIterator<Item = (&'f str, &'f Finding)>) -> String {
    let mut shown = String::new();
    for (name, finding) in findings {
        writeln!(shown, "{}", Line::new(name, finding)).unwrap();
        if let Some(suggestion) = &finding.suggestion {
            writeln!(shown, "    suggestion: {suggestion}").unwrap();
        }
    }
    shown
}

/// The files that are compared, and what is not as written down.
pub(crate) struct WrittenDown {
    rewrite: bool,
    wrong: Vec<String>,
}

impl WrittenDown {
    /// Writes the files anew where the variable is set.
    pub(crate) fn unless(variable: &str) -> WrittenDown {
        WrittenDown { rewrite: std::env::var_os(variable).is_some(), wrong: Vec::new() }
    }

    /// Compares one file.
    pub(crate) fn compare(&mut self, file: &Path, actual: &str) {
        if self.rewrite {
            fs::write(file, actual).unwrap();
        } else if fs::read_to_string(file).unwrap_or_default() != actual {
            self.wrong.push(format!("{}:\n{actual}", file.display()));
        }
    }

    /// Fails with all that was different.
    pub(crate) fn finish(self) {
        assert!(self.wrong.is_empty(), "{}", self.wrong.join("\n"));
    }
}
