//! A web page that is asked for, and what of the answer counts.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::is_default;
use super::tls::TlsOptions;
use crate::model::secret::Secret;

/// A web page that must answer. Redirects are not followed: their status is the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct HttpCheck {
    /// How TLS is spoken; absent: it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsOptions>,
    /// Method of the request.
    #[serde(skip_serializing_if = "is_default")]
    pub method: HttpMethod,
    /// Path with query.
    pub path: String,
    /// `Host` header; address and port where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Version that is spoken.
    pub version: HttpVersion,
    /// Further headers of the request.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<Header>,
    /// Value of the `Authorization` header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization: Option<Secret>,
    /// Accepted status codes; 200 to 299 where none is given.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub status: Vec<StatusRange>,
    /// MD5 of the body, 32 hexadecimal digits (keepalived `digest`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// What the body must hold, or must not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<BodyMatch>,
}

impl Default for HttpCheck {
    fn default() -> Self {
        HttpCheck {
            tls: None,
            method: HttpMethod::Get,
            path: "/".to_owned(),
            host: None,
            version: HttpVersion::default(),
            headers: Vec::new(),
            authorization: None,
            status: Vec::new(),
            digest: None,
            body: None,
        }
    }
}

/// Method of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs)]
pub enum HttpMethod {
    #[default]
    Get,
    Head,
    Options,
}

impl HttpMethod {
    /// All of them.
    pub const ALL: [HttpMethod; 3] = [HttpMethod::Get, HttpMethod::Head, HttpMethod::Options];

    /// The word in the request line.
    pub fn as_str(self) -> &'static str {
        match self {
            HttpMethod::Get => "GET",
            HttpMethod::Head => "HEAD",
            HttpMethod::Options => "OPTIONS",
        }
    }
}

/// A header of a request. Its value is shown to everybody; what is secret goes into `authorization`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// What a body is searched for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct BodyMatch {
    /// The text, which may stand anywhere; case counts.
    pub text: String,
    /// Whether the text is a regular expression.
    #[serde(default, skip_serializing_if = "is_default")]
    pub regex: bool,
    /// Turns it round: the body must not match.
    #[serde(default, skip_serializing_if = "is_default")]
    pub absent: bool,
}
/// Version of HTTP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum HttpVersion {
    /// HTTP/1.0, as keepalived asks by default.
    #[serde(rename = "1.0")]
    V1_0,
    /// HTTP/1.1.
    #[default]
    #[serde(rename = "1.1")]
    V1_1,
}

/// Status codes from one to another, both included; written `200` or `200-299`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "String", into = "String")]
pub struct StatusRange {
    first: u16,
    last: u16,
}

/// A text that is no [`StatusRange`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no status code from 100 to 599, nor two of them in order, such as 200-299")]
pub struct StatusRangeError(String);

impl StatusRange {
    /// Codes from `first` to `last`; none where they are out of range or order.
    pub fn new(first: u16, last: u16) -> Option<Self> {
        (100 <= first && first <= last && last <= 599).then_some(StatusRange { first, last })
    }

    /// Whether a code is among them.
    pub fn contains(self, status: u16) -> bool {
        (self.first..=self.last).contains(&status)
    }
}

impl FromStr for StatusRange {
    type Err = StatusRangeError;

    fn from_str(text: &str) -> Result<Self, StatusRangeError> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let number = |text: &str| text.trim().parse().ok();
        number(first)
            .zip(number(last))
            .and_then(|(first, last)| StatusRange::new(first, last))
            .ok_or_else(|| StatusRangeError(text.to_owned()))
    }
}

impl TryFrom<String> for StatusRange {
    type Error = StatusRangeError;

    fn try_from(text: String) -> Result<Self, StatusRangeError> {
        text.parse()
    }
}

impl From<StatusRange> for String {
    fn from(range: StatusRange) -> String {
        range.to_string()
    }
}

impl fmt::Display for StatusRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            write!(f, "{}", self.first)
        } else {
            write!(f, "{}-{}", self.first, self.last)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_codes_are_one_or_a_range() {
        for text in ["200", "200-299", "100-599"] {
            let range: StatusRange = text.parse().unwrap();
            assert_eq!(range.to_string(), text);
        }
        assert!("200-299".parse::<StatusRange>().unwrap().contains(204));
        for text in ["", "99", "600", "299-200", "200-", "ok"] {
            assert!(text.parse::<StatusRange>().is_err(), "{text}");
        }
    }
}
