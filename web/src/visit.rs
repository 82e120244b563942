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
use crate::locale::{Locale, Zone};
use crate::text::Language;

/// The cookie that keeps theme, language, keys and time zone of a browser; it tells nothing about a person.
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

/// What a browser chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) theme: Theme,
    /// None where it did not choose one.
    pub(crate) language: Option<Language>,
    /// Whether single keys do something.
    pub(crate) keys: bool,
    pub(crate) zone: Zone,
}

impl Look {
    /// What the cookie says; what it does not say is as it comes.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let jar = CookieJar::from_headers(headers);
        Look::read(jar.get(LOOK_COOKIE).map_or("", |cookie| cookie.value()))
    }

    /// `THEME.LANGUAGE.KEYS.ZONE`, of which the end may be missing.
    fn read(value: &str) -> Self {
        let mut parts = value.splitn(4, '.');
        let mut part = || parts.next().unwrap_or("");
        Look {
            theme: Theme::from_word(part()).unwrap_or_default(),
            language: Language::from_tag(part()),
            keys: part() != "nokeys",
            zone: Zone::from_name(part()).unwrap_or_default(),
        }
    }

    /// The value of the cookie.
    pub(crate) fn write(self) -> String {
        let language = self.language.map_or("", Language::tag);
        let keys = if self.keys { "keys" } else { "nokeys" };
        format!("{}.{language}.{keys}.{}", self.theme.as_str(), self.zone.name())
    }
}

/// How to answer: in the account's language, else the browser's choice here, else what the browser asks for; and in the
/// time zone that was chosen here.
pub(crate) fn locale_of(headers: &HeaderMap, session: Option<&SessionInfo>) -> Locale {
    let accept = || headers.get(header::ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok());
    let look = Look::of(headers);
    let language = session
        .and_then(|s| s.language.as_deref())
        .and_then(Language::from_tag)
        .or(look.language)
        .or_else(|| Language::from_accept(accept()?))
        .unwrap_or_default();
    Locale { language, zone: look.zone }
}

/// One request, whoever makes it.
#[derive(Clone)]
pub(crate) struct Visit {
    pub(crate) console: Console,
    pub(crate) locale: Locale,
    pub(crate) look: Look,
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
            locale: locale_of(&parts.headers, session),
            look: Look::of(&parts.headers),
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
        self.locale.language = session.language.as_deref().and_then(Language::from_tag).unwrap_or(otherwise);
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

    pub(crate) fn locale(&self) -> Locale {
        self.visit.locale
    }

    /// For answers to programs, whose moments are always in UTC.
    pub(crate) fn language(&self) -> Language {
        self.visit.locale.language
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_browser_chose_is_read_back() {
        let nothing = Look { theme: Theme::System, language: None, keys: true, zone: Zone::UTC };
        for value in ["", "x.y.z", "system", "...", "dark-.de.keys.Europe/Nowhere.x"] {
            assert_eq!(Look::read(value), nothing, "{value}");
        }
        // As it was before there were zones.
        assert_eq!(Look::read("dark.zh-CN.nokeys").write(), "dark.zh-CN.nokeys.UTC");
        for look in ["light.en.keys.Asia/Shanghai", "system..nokeys.UTC"] {
            assert_eq!(Look::read(look).write(), look);
        }
    }
}
