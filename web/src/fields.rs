//! What a form sent: names with their texts, as typed. Nothing is interpreted here.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Multipart};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Request, header};
use bytes::Bytes;

use crate::error::Error;

/// More fields than any form has; more are refused instead of collected.
const MOST_FIELDS: usize = 1024;

/// The fields of a form. A name may come several times (check boxes).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fields {
    values: BTreeMap<String, Vec<String>>,
}

impl Fields {
    /// The field's text, empty where it was not sent.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.values.get(name).and_then(|v| v.first()).map_or("", String::as_str)
    }

    /// All texts of a field that was sent several times.
    pub(crate) fn all(&self, name: &str) -> &[String] {
        self.values.get(name).map_or(&[], Vec::as_slice)
    }

    /// The text without blanks around it, or none where that is empty.
    pub(crate) fn filled(&self, name: &str) -> Option<&str> {
        Some(self.get(name).trim()).filter(|text| !text.is_empty())
    }

    /// Whether the field was sent at all: a ticked box.
    pub(crate) fn ticked(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// Whether one of the field's texts is this one.
    pub(crate) fn contains(&self, name: &str, value: &str) -> bool {
        self.values.get(name).is_some_and(|all| all.iter().any(|v| v == value))
    }

    /// The same with one more text.
    pub(crate) fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.values.entry(name.to_owned()).or_default().push(value.to_string());
        self
    }

    /// The same with the text where there is one.
    pub(crate) fn with_some(self, name: &str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// The same with the box ticked or not.
    pub(crate) fn with_tick(self, name: &str, ticked: bool) -> Self {
        if ticked { self.with(name, "on") } else { self }
    }

    /// The same with one field's text replaced.
    pub(crate) fn replaced(mut self, name: &str, value: &str) -> Self {
        self.values.insert(name.to_owned(), vec![value.to_owned()]);
        self
    }

    /// The names that were sent.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    /// The same with every field called what `name` says; those it says nothing for are left out.
    pub(crate) fn renamed(self, name: impl Fn(String) -> Option<String>) -> Self {
        let values = self.values.into_iter().filter_map(|(old, texts)| Some((name(old)?, texts)));
        Fields { values: values.collect() }
    }

    fn push(&mut self, name: String, value: String, count: &mut usize) -> Result<(), Error> {
        *count += 1;
        if *count > MOST_FIELDS {
            return Err(Error::Malformed("the form has too many fields".to_owned()));
        }
        // Browsers send CR LF for every line end of a text area; the text itself has LF.
        self.values.entry(name).or_default().push(value.replace("\r\n", "\n"));
        Ok(())
    }

    /// An uploaded file, with its name beside it (`file.name`); its line ends stay as they are. Old files may be
    /// Latin-1, which is noted (`file.latin1`).
    fn push_file(&mut self, field: &str, name: &str, bytes: &[u8], count: &mut usize) -> Result<(), Error> {
        if bytes.is_empty() {
            return Ok(());
        }
        let (text, converted) = lvs::format::decode(bytes);
        if converted.is_some() {
            self.push(format!("{field}.latin1"), name.to_owned(), count)?;
        }
        self.push(format!("{field}.name"), name.to_owned(), count)?;
        self.values.entry(field.to_owned()).or_default().push(text.into_owned());
        Ok(())
    }
}

/// Reads a form body of either kind that browsers send.
pub(crate) async fn parse(headers: &HeaderMap, body: Bytes) -> Result<Fields, Error> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    if kind.starts_with("multipart/form-data") {
        return multipart(kind, body).await;
    }
    if !kind.starts_with("application/x-www-form-urlencoded") && !body.is_empty() {
        return Err(Error::MediaType);
    }
    let mut fields = Fields::default();
    let mut count = 0;
    for (name, value) in form_urlencoded::parse(&body) {
        fields.push(name.into_owned(), value.into_owned(), &mut count)?;
    }
    Ok(fields)
}

async fn multipart(kind: &str, body: Bytes) -> Result<Fields, Error> {
    let unreadable = |_| Error::Malformed("the form could not be read".to_owned());
    let request = Request::builder()
        .header(header::CONTENT_TYPE, kind)
        .body(Body::from(body))
        .map_err(|_| Error::Malformed("the form could not be read".to_owned()))?;
    let mut parts = Multipart::from_request(request, &())
        .await
        .map_err(|_| Error::Malformed("the form could not be read".to_owned()))?;
    let mut fields = Fields::default();
    let mut count = 0;
    while let Some(part) = parts.next_field().await.map_err(unreadable)? {
        let name = part.name().unwrap_or_default().to_owned();
        let file = part.file_name().map(ToOwned::to_owned);
        let bytes = part.bytes().await.map_err(unreadable)?;
        if let Some(file) = file {
            fields.push_file(&name, &file, &bytes, &mut count)?;
            continue;
        }
        fields.push(name, String::from_utf8_lossy(&bytes).into_owned(), &mut count)?;
    }
    Ok(fields)
}

/// The form that came with the request, for handlers; read and checked by `guard`.
pub(crate) struct Sent(pub(crate) Arc<Fields>);

impl<S: Sync> FromRequestParts<S> for Sent {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Sent(parts.extensions.get::<Arc<Fields>>().cloned().unwrap_or_default()))
    }
}
