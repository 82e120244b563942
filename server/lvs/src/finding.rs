//! One type for everything that can be said about an input: a file's line or a form's field.
//!
//! A finding names a stable [`Code`], carries the values its sentence needs, and says where. The English sentence
//! is made here; other languages translate the code with the same values (the web catalogue).

use std::fmt;

use serde::{Deserialize, Serialize};

mod codes;
pub use codes::Code;

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The input cannot be used as it is.
    Error,
    /// The input can be used; something in it is assumed, kept aside or surprising.
    Warning,
}

/// Where in the input.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// The input as a whole.
    #[default]
    Whole,
    /// A line of a text, from 1; column in characters from 1.
    Line {
        /// Line, from 1.
        line: u32,
        /// Column in characters, from 1.
        column: u32,
    },
    /// A field of a structure, as a JSON pointer (RFC 6901) such as `/virtual_servers/0/port`.
    Field(String),
}

/// One thing to say about an input.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Where it is.
    pub place: Place,
    /// How much it weighs.
    pub severity: Severity,
    /// What it is; stable across releases.
    pub code: Code,
    /// Values of the sentence, by the names its template uses.
    pub args: Vec<(&'static str, String)>,
    /// What to write instead, where that is known.
    pub suggestion: Option<String>,
}

impl Finding {
    /// An error about a field.
    pub fn field(pointer: impl Into<String>, code: Code) -> Self {
        Finding {
            place: Place::Field(pointer.into()),
            severity: Severity::Error,
            code,
            args: Vec::new(),
            suggestion: None,
        }
    }

    /// An error about a line; line and column from 1.
    pub fn line(line: u32, column: u32, code: Code) -> Self {
        Finding {
            place: Place::Line { line, column },
            severity: Severity::Error,
            code,
            args: Vec::new(),
            suggestion: None,
        }
    }

    /// The same as a warning.
    pub fn warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    /// The same with a value for its sentence.
    pub fn with(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.args.push((name, value.to_string()));
        self
    }

    /// The same with what to write instead.
    pub fn suggest(mut self, text: impl Into<String>) -> Self {
        self.suggestion = Some(text.into());
        self
    }

    /// The English sentence.
    pub fn text(&self) -> String {
        let mut text = self.code.template().to_owned();
        for (name, value) in &self.args {
            text = text.replace(&format!("{{{name}}}"), value);
        }
        text
    }

    /// The JSON pointer, where the finding is about a field.
    pub fn pointer(&self) -> Option<&str> {
        match &self.place {
            Place::Field(pointer) => Some(pointer),
            _ => None,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Whole => {}
            Place::Line { line, column } => write!(f, "{line}:{column}: ")?,
            Place::Field(pointer) => write!(f, "{pointer}: ")?,
        }
        f.write_str(&self.text())
    }
}

/// All findings of one input, in the order found.
pub type Findings = Vec<Finding>;

/// Whether any of them makes the input unusable.
pub fn has_errors(findings: &[Finding]) -> bool {
    findings.iter().any(|f| f.severity == Severity::Error)
}
