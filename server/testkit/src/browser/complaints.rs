//! What the browser complains about while pages are used: errors and warnings in its log (refused by the content
//! security policy among them), what scripts write to the console as such, and exceptions that nobody caught.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use chromiumoxide::cdp::browser_protocol::log::{EventEntryAdded, LogEntryLevel};
use chromiumoxide::cdp::js_protocol::runtime::{
    ConsoleApiCalledType, EventConsoleApiCalled, EventExceptionThrown,
};
use futures_util::StreamExt as _;
use serde_json::Value;

/// All that was complained about, oldest first.
#[derive(Clone, Default)]
pub(super) struct Complaints(Arc<Mutex<Vec<String>>>);

impl Complaints {
    /// Listens to a page for as long as it lives.
    pub(super) async fn of(page: &chromiumoxide::Page) -> Result<Complaints> {
        let complaints = Complaints::default();
        let mut entries = page.event_listener::<EventEntryAdded>().await?;
        let mut calls = page.event_listener::<EventConsoleApiCalled>().await?;
        let mut exceptions = page.event_listener::<EventExceptionThrown>().await?;
        page.enable_log().await?;
        page.enable_runtime().await?;
        let noted = complaints.clone();
        tokio::spawn(async move {
            while let Some(event) = entries.next().await {
                noted.extend(from_log(&event));
            }
        });
        let noted = complaints.clone();
        tokio::spawn(async move {
            while let Some(event) = calls.next().await {
                noted.extend(from_console(&event));
            }
        });
        let noted = complaints.clone();
        tokio::spawn(async move {
            while let Some(event) = exceptions.next().await {
                let details = &event.exception_details;
                let said = details.exception.as_ref().and_then(|thrown| thrown.description.clone());
                noted.extend(Some(format!("exception: {} {}", details.text, said.unwrap_or_default())));
            }
        });
        Ok(complaints)
    }

    /// Takes out all there are so far.
    pub(super) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Notes down one more.
    pub(super) fn note(&self, complaint: String) {
        self.extend(Some(complaint));
    }

    fn extend(&self, complaint: Option<String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(complaint);
    }
}

fn from_log(event: &EventEntryAdded) -> Option<String> {
    let entry = &event.entry;
    if !matches!(entry.level, LogEntryLevel::Error | LogEntryLevel::Warning) {
        return None;
    }
    // A form that was filled in wrongly is answered with 422, which the log calls a failed load.
    if entry.text.contains("status of 422") {
        return None;
    }
    let address = entry.url.as_deref().unwrap_or_default();
    Some(format!("{} {}: {} {address}", entry.source.as_ref(), entry.level.as_ref(), entry.text))
}

fn from_console(event: &EventConsoleApiCalled) -> Option<String> {
    let kind = &event.r#type;
    if !matches!(
        kind,
        ConsoleApiCalledType::Error | ConsoleApiCalledType::Warning | ConsoleApiCalledType::Assert
    ) {
        return None;
    }
    let said = |value: &Value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    let said: Vec<String> = event
        .args
        .iter()
        .map(|arg| arg.value.as_ref().map(said).or_else(|| arg.description.clone()).unwrap_or_default())
        .collect();
    Some(format!("console {}: {}", kind.as_ref(), said.join(" ")))
}
