//! One request as a screen sees it: who, in which language, with which query; and the frame of the page around it.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum_extra::extract::CookieJar;
use console::{Actor, Console, SessionInfo};

use crate::App;
use crate::error::Error;
use crate::fields::Fields;
use crate::guard::{Caller, source};
use crate::text::Language;

/// The cookie that keeps theme and language of a browser; it tells nothing about a person.
pub(crate) const LOOK_COOKIE: &str = "__Host-caribe-look";

/// Light or dark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Theme {
    /// As the system says.
    #[default]
    System,
    /// Light whatever the system says.
    Light,
    /// Dark whatever the system says.
    Dark,
}

impl Theme {
    pub(crate) const ALL: [Theme; 3] = [Theme::System, Theme::Light, Theme::Dark];

    /// The word in the cookie, in forms and in catalogue keys.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Theme::System => "system",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }

    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Theme::ALL.into_iter().find(|t| t.as_str() == word)
    }
}

/// What a browser chose: `THEME`, `THEME.LANGUAGE` or `THEME.LANGUAGE.nokeys`; and whether single keys do something.
pub(crate) fn read_look(headers: &HeaderMap) -> (Theme, Option<Language>, bool) {
    let jar = CookieJar::from_headers(headers);
    let value = jar.get(LOOK_COOKIE).map(|c| c.value().to_owned()).unwrap_or_default();
    let (theme, rest) = value.split_once('.').unwrap_or((&value, ""));
    let (language, keys) = rest.split_once('.').unwrap_or((rest, ""));
    (Theme::from_word(theme).unwrap_or_default(), Language::from_tag(language), keys != "nokeys")
}

/// The language to answer in: the account's, else the browser's choice here, else what the browser asks for.
pub(crate) fn language_of(headers: &HeaderMap, session: Option<&SessionInfo>) -> Language {
    let accept = || headers.get(header::ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok());
    session
        .and_then(|s| s.language.as_deref())
        .and_then(Language::from_tag)
        .or_else(|| read_look(headers).1)
        .or_else(|| Language::from_accept(accept()?))
        .unwrap_or_default()
}

/// One request, whoever makes it.
#[derive(Clone)]
pub(crate) struct Visit {
    pub(crate) console: Console,
    pub(crate) language: Language,
    pub(crate) theme: Theme,
    /// Whether single keys do something.
    pub(crate) keys: bool,
    pub(crate) caller: Option<Caller>,
    pub(crate) path: String,
    pub(crate) query: Arc<Fields>,
    /// What the browser called this console: authority of the request or `Host`.
    pub(crate) host: Option<String>,
    pub(crate) from: std::net::IpAddr,
}

impl Visit {
    pub(crate) fn new(console: Console, parts: &Parts) -> Self {
        let caller = parts.extensions.get::<Caller>().cloned();
        let session = caller.as_ref().and_then(|c| c.session.as_deref());
        let mut query = Fields::default();
        for (name, value) in form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).take(64)
        {
            query = query.with(&name, value);
        }
        let host =
            parts.uri.authority().map(ToString::to_string).or_else(|| {
                parts.headers.get(header::HOST).and_then(|h| h.to_str().ok()).map(ToOwned::to_owned)
            });
        Visit {
            console,
            language: language_of(&parts.headers, session),
            theme: read_look(&parts.headers).0,
            keys: read_look(&parts.headers).2,
            path: parts.uri.path().to_owned(),
            query: Arc::new(query),
            host: host.filter(|h| is_authority(h)),
            from: source(&parts.extensions),
            caller,
        }
    }
}

impl Visit {
    /// The same visit, of the person of that session.
    pub(crate) fn known(mut self, session: SessionInfo, otherwise: Language) -> Self {
        self.language = session.language.as_deref().and_then(Language::from_tag).unwrap_or(otherwise);
        self.caller = Some(Caller { actor: session.actor.clone(), session: Some(Arc::new(session)) });
        self
    }
}

/// Whether it can be shown in a command as it is: a host with an optional port and nothing else.
fn is_authority(text: &str) -> bool {
    text.len() <= 255 && text.chars().all(|c| c.is_ascii_alphanumeric() || ".-:[]".contains(c))
}

impl FromRequestParts<App> for Visit {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        Ok(Visit::new(app.console.clone(), parts))
    }
}

/// A request of somebody who has logged in, or of a token.
#[derive(Clone)]
pub(crate) struct Member {
    pub(crate) visit: Visit,
    pub(crate) actor: Actor,
}

impl Member {
    pub(crate) fn console(&self) -> &Console {
        &self.visit.console
    }

    pub(crate) fn language(&self) -> Language {
        self.visit.language
    }

    /// Whether the cluster with that id is theirs to see: a token may be for one alone.
    pub(crate) fn sees(&self, cluster: &str) -> bool {
        self.actor.cluster.as_deref().is_none_or(|only| only == cluster)
    }
}

impl FromRequestParts<App> for Member {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let visit = Visit::new(app.console.clone(), parts);
        let actor = visit.caller.as_ref().map(|c| c.actor.clone()).ok_or(Error::Unauthenticated)?;
        Ok(Member { visit, actor })
    }
}
