//! The console's REST API under one token, with errors that carry the problem's own words.

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::https::{Answer, Client};

/// The API.
#[derive(Clone)]
pub struct Api {
    client: Client,
    token: String,
}

/// What a join token comes with.
pub struct JoinToken {
    /// The token.
    pub token: String,
    /// The director's id.
    pub director_id: String,
}

impl Api {
    /// The API that `client` reaches.
    pub fn new(client: Client, token: &str) -> Api {
        Api { client, token: token.to_owned() }
    }

    /// Any request, any answer.
    pub fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Answer> {
        let bearer = format!("Bearer {}", self.token);
        let mut all = vec![("authorization", bearer.as_str())];
        all.extend_from_slice(headers);
        let mut bytes = Vec::new();
        if let Some(body) = body {
            all.push(("content-type", "application/json"));
            bytes = serde_json::to_vec(body)?;
        }
        self.client.request(method, &format!("/api/v1{path}"), &all, &bytes)
    }

    /// A request that must succeed; nothing in the answer is `null`.
    pub fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
        // What scenarios change, they have just read and nobody else changes.
        let guarded = matches!(method, "PUT" | "PATCH" | "DELETE");
        let headers: &[(&str, &str)] = if guarded { &[("if-match", "*")] } else { &[] };
        let answer = self.ask(method, path, headers, body)?;
        if !(200..300).contains(&answer.status) {
            bail!("{method} {path}: {} {}", answer.status, shortened(&answer.text()));
        }
        if answer.body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&answer.body).with_context(|| format!("{method} {path} answered no JSON"))
    }

    /// Reads.
    pub fn get(&self, path: &str) -> Result<Value> {
        self.call("GET", path, None)
    }

    /// Makes a cluster what `content` says, new or not, and activates that; answers with the activation.
    pub fn make_it_so(&self, cluster: &str, content: &Value) -> Result<Value> {
        let path = format!("/clusters/{cluster}");
        let answer = match self.ask("GET", &path, &[], None)?.status {
            404 => self.call("POST", "/clusters?activate=true", Some(content))?,
            _ => self.call("PUT", &path, Some(content))?,
        };
        Ok(answer.pointer("/activation").cloned().unwrap_or(Value::Null))
    }

    /// Makes a join token for a director; `dial` is where the console will reach it.
    pub fn join_token(&self, cluster: &str, director: &str, dial: &str) -> Result<JoinToken> {
        let path = format!("/clusters/{cluster}/directors/{director}/join-token");
        let answer = self.call("POST", &path, Some(&json!({ "dial": dial })))?;
        Ok(JoinToken { token: text(&answer, "/token")?, director_id: text(&answer, "/director_id")? })
    }

    /// Sets where the console dials a director.
    pub fn set_dial(&self, cluster: &str, director: &str, dial: &str) -> Result<Value> {
        self.call(
            "PATCH",
            &format!("/clusters/{cluster}/directors/{director}"),
            Some(&json!({ "dial": dial })),
        )
    }

    /// A director with what is known of it now.
    pub fn director(&self, cluster: &str, director: &str) -> Result<Value> {
        self.get(&format!("/clusters/{cluster}/directors/{director}"))
    }
}

/// A text in an answer, by JSON pointer.
pub fn text(value: &Value, pointer: &str) -> Result<String> {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .map(str::to_owned)
        .with_context(|| format!("no {pointer} in {}", shortened(&value.to_string())))
}

/// A number in an answer, by JSON pointer.
pub fn number(value: &Value, pointer: &str) -> Result<u64> {
    value
        .pointer(pointer)
        .and_then(Value::as_u64)
        .with_context(|| format!("no {pointer} in {}", shortened(&value.to_string())))
}

/// The beginning of a text that is shown to people, where the whole may be an answer of a megabyte.
pub fn shortened(text: &str) -> String {
    /// Characters shown.
    const SHOWN: usize = 2000;
    match text.char_indices().nth(SHOWN) {
        None => text.to_owned(),
        Some((end, _)) => format!("{} … ({} bytes in all)", text.get(..end).unwrap_or_default(), text.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_answer_is_shown_by_its_beginning() {
        assert_eq!(shortened("short"), "short");
        let long = "ä".repeat(500_000);
        let shown = shortened(&long);
        assert!(shown.starts_with("ää") && shown.ends_with("(1000000 bytes in all)"), "{shown}");
        assert!(shown.len() < 5000);
    }
}
