//! One question to a director, asked because a person or a push wants the answer now.

use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::Method;
use lvs::wire::Refusal;
use serde::de::DeserializeOwned;

use super::dial::DialError;
use crate::Console;

/// An agent answers when its kernel has been told; a large table takes a while.
const ANSWER: Duration = Duration::from_secs(120);
/// The answer names every step, or is a whole configuration.
const ANSWER_LIMIT: usize = 32 << 20;

/// What an agent said.
pub(crate) enum Said<T> {
    /// What was asked for.
    Answer(T),
    /// No, and why; nothing changed there.
    Refused(String),
}

impl Console {
    /// Sends one request to a director and reads its answer.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        row: &store::Director,
        method: Method,
        path: &str,
        body: Vec<u8>,
    ) -> Result<Said<T>, DialError> {
        let address = row.dial.as_deref().ok_or(DialError::NoAddress)?;
        let mut connection = self.dial(&row.id, address).await?;
        let response = connection.send(method, path, body, ANSWER).await?;
        let status = response.status();
        let silent = || DialError::Silent { address: address.to_owned() };
        let body = tokio::time::timeout(ANSWER, Limited::new(response.into_body(), ANSWER_LIMIT).collect())
            .await
            .map_err(|_| silent())?
            .map_err(|e| connection.broken(e))?
            .to_bytes();
        if status.is_success() {
            return serde_json::from_slice(&body).map(Said::Answer).map_err(|e| connection.broken(e));
        }
        match serde_json::from_slice::<Refusal>(&body) {
            // Something failed over there: worth another try.
            Ok(Refusal::Failed { detail }) if status.is_server_error() => Err(connection.broken(detail)),
            Ok(refusal) => Ok(Said::Refused(refusal.to_string())),
            Err(_) if status.is_client_error() => Ok(Said::Refused(format!("it answered {status}"))),
            Err(_) => Err(connection.broken(format!("it answered {status}"))),
        }
    }
}
