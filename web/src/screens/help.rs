//! HELP: what the pages are for, the keys, the words. Part of the program, so that it is there when nothing else is.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use crate::error::Error;
use crate::page::{Page, show};
use crate::visit::Member;

/// Words that are explained, as they stand in catalogue keys.
const TERMS: [&str; 26] = [
    "virtual-server",
    "vip",
    "real-server",
    "director",
    "active",
    "seat",
    "heartbeat",
    "split",
    "forwarding",
    "scheduler",
    "weight",
    "persistence",
    "mark",
    "connections",
    "check",
    "quorum",
    "sorry-server",
    "drain",
    "draft",
    "four-eyes",
    "revision",
    "trial",
    "drift",
    "foreign",
    "sync",
    "single-sign-on",
];

/// What people come to do, as it stands in catalogue keys.
const JOBS: [&str; 11] = [
    "import",
    "director",
    "service",
    "drain",
    "why-down",
    "switch-over",
    "undo",
    "alerts",
    "second-factor",
    "passkey",
    "single-sign-on",
];

/// Keys, and what they do as it stands in catalogue keys.
const KEYS: [(&str, &str); 3] =
    [("/", "help-key-search"), ("Tab", "help-key-tab"), ("Enter", "help-key-enter")];

/// Commands, and what they are for.
const COMMANDS: [(&str, &str); 3] = [
    ("caribe --help", "help-command"),
    ("caribe agent status", "help-status"),
    ("caribe passwd USER --remove-second-factor", "help-lost"),
];

#[derive(Template)]
#[template(path = "help.html")]
struct HelpPage {
    p: Page,
}

impl HelpPage {
    fn terms(&self) -> Vec<(String, String)> {
        let term = |term: &str| self.p.locale.say(format!("help-term-{term}")).to_string();
        let means = |term: &str| self.p.locale.say(format!("help-means-{term}")).to_string();
        TERMS.iter().map(|word| (term(word), means(word))).collect()
    }

    fn keys(&self) -> [(&'static str, &'static str); 3] {
        KEYS
    }

    fn commands(&self) -> [(&'static str, &'static str); 3] {
        COMMANDS
    }

    fn jobs(&self) -> Vec<(String, String)> {
        let title = |job: &str| self.p.locale.say(format!("help-job-{job}")).to_string();
        let how = |job: &str| self.p.locale.say(format!("help-how-{job}")).to_string();
        JOBS.iter().map(|job| (title(job), how(job))).collect()
    }
}

/// `GET /help`
pub(super) async fn help(member: Member) -> Result<Response, Error> {
    let p = Page::new(&member.visit, member.locale().say("help-title"));
    show(StatusCode::OK, &HelpPage { p })
}
