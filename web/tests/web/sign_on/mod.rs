//! Single sign-on as people and administrators meet it, with a provider that speaks real TLS: the whole way in, who gets
//! which role, everything that is refused, and what an account without a password can do.

mod accounts;
mod refusals;
mod settings;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::body::Body;
use axum::http::{Request, header};
use console::{Actor, AuditEntry, Clock, GroupRole, NewSecret, Role, Settings, SignOnSettings};

use crate::provider::{CLIENT, Provider, SECRET};
use crate::site::{Answer, Browser, PASSWORD, Site};

const HOST: &str = "https://console.example:3636";
const REFUSED: &str = "An administrator finds the reason in the audit log";
const UNREACHABLE: &str = "The identity provider does not answer as it should";
const OVER: &str = "was not begun in this browser";

struct Place {
    site: Site,
    provider: Provider,
    now: Arc<AtomicI64>,
}

impl Place {
    async fn new() -> Place {
        let place = Place::with(Settings { local_webhooks: true, ..Settings::default() }).await;
        place.set(|_| {}).await;
        place
    }

    /// Nothing is set yet.
    async fn with(settings: Settings) -> Place {
        let now = Arc::new(AtomicI64::new(1_800_000_000));
        let shared = Arc::clone(&now);
        let clock = Clock::from_fn(move || shared.load(Ordering::SeqCst));
        let site = Site::with_settings(clock, settings).await;
        site.console.set_password(&Actor::local(), "root", PASSWORD, Role::Admin).await.unwrap();
        Place { site, provider: Provider::new(Arc::clone(&now)).await, now }
    }

    fn pass(&self, seconds: i64) {
        self.now.fetch_add(seconds, Ordering::SeqCst);
    }

    fn settings(&self) -> SignOnSettings {
        let groups = [("/lb/operators", Role::Operator), ("/lb/admins", Role::Admin)];
        SignOnSettings {
            enabled: true,
            issuer: self.provider.issuer.clone(),
            client_id: CLIENT.to_owned(),
            authorities: Some(self.provider.authority.clone()),
            groups: groups.map(|(group, role)| GroupRole { group: group.to_owned(), role }).into(),
            address: Some(HOST.to_owned()),
            ..SignOnSettings::default()
        }
    }

    async fn set(&self, change: impl FnOnce(&mut SignOnSettings)) {
        let mut settings = self.settings();
        change(&mut settings);
        let secret = NewSecret::Set(SECRET.to_owned());
        self.site.console.set_sign_on(&Actor::local(), settings, secret, false).await.unwrap();
    }

    async fn log(&self, action: &str) -> Vec<AuditEntry> {
        let log = self.site.console.audit(&Actor::local(), None, None, 500).await.unwrap();
        log.into_iter().filter(|row| row.action == action).collect()
    }

    async fn accounts(&self) -> Vec<(String, Role, bool)> {
        let all = self.site.console.accounts(&Actor::local()).await.unwrap();
        all.into_iter().map(|one| (one.name, one.role, one.provider.is_some())).collect()
    }

    /// From the button to the address that the provider sends back to.
    async fn out(&self, browser: &mut Browser<'_>, path: &str) -> String {
        let out = browser.get(path).await.is(303).location().to_owned();
        self.provider.sign_in(&out).await
    }

    /// From the button to what the console says at last.
    async fn sign_in(&self, browser: &mut Browser<'_>, path: &str) -> Answer {
        let back = self.out(browser, path).await;
        come_back(browser, &back).await
    }

    /// Somebody who comes through the provider.
    async fn member(&self) -> Browser<'_> {
        let mut browser = Browser::new(&self.site);
        self.sign_in(&mut browser, "/login/sso?next=/me").await.is(200);
        browser
    }
}

/// The way back from another site: cookies that are strict do not come along.
async fn come_back(browser: &mut Browser<'_>, address: &str) -> Answer {
    let path = address.strip_prefix(HOST).unwrap_or_else(|| panic!("{address}"));
    let lax = browser.cookies.iter().find(|(name, _)| name == "__Host-caribe-flow");
    let mut request = Request::builder()
        .uri(path)
        .header(header::HOST, "console.example:3636")
        .header(header::ACCEPT_LANGUAGE, browser.language)
        .header("sec-fetch-site", "cross-site")
        .header("sec-fetch-mode", "navigate");
    if let Some((name, value)) = lax {
        request = request.header(header::COOKIE, format!("{name}={value}"));
    }
    browser.send(request.body(Body::empty()).unwrap()).await
}

fn has_session(browser: &Browser<'_>) -> bool {
    browser.cookies.iter().any(|(name, _)| name == "__Host-caribe")
}
