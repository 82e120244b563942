//! How the provider is asked: our own HTTP client behind the trait of the OpenID Connect library.
//!
//! TLS always, no redirect is followed, an answer has a time and a length, and this machine and its link are not reached
//! unless its own settings allow it (`alerts::outside`): the addresses come from a page and from the provider.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse, http};

use super::SignOnSettings;
use crate::alerts::outside;
use crate::error::with_causes;

/// How long one question may take.
const ATTEMPT: Duration = Duration::from_secs(10);
/// Bytes of an answer: several times the longest honest one.
const LONGEST: usize = 512 * 1024;

/// Why there is no answer, in words.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unanswered(pub(super) String);

/// The client of one provider.
pub(super) struct Client {
    client: reqwest::Client,
    anywhere: bool,
}

fn said(error: reqwest::Error) -> Unanswered {
    Unanswered(with_causes(&error.without_url()))
}

impl Client {
    /// `anywhere`: also on this machine and its link.
    pub(super) fn new(settings: &SignOnSettings, anywhere: bool) -> Result<Self, Unanswered> {
        let mut client = reqwest::Client::builder()
            .timeout(ATTEMPT)
            .https_only(true)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("caribe/", env!("CARGO_PKG_VERSION")));
        if !anywhere {
            client = client.dns_resolver(outside::Outside);
        }
        if let Some(authorities) = &settings.authorities {
            let authorities = reqwest::Certificate::from_pem_bundle(authorities.as_bytes()).map_err(said)?;
            client = client.tls_certs_merge(authorities);
        }
        Ok(Client { client: client.build().map_err(said)?, anywhere })
    }

    async fn ask(&self, request: HttpRequest) -> Result<HttpResponse, Unanswered> {
        let place = request.uri().to_string();
        let named = |error: Unanswered| Unanswered(format!("{place}: {error}"));
        if request.uri().scheme() != Some(&http::uri::Scheme::HTTPS) {
            return Err(named(Unanswered("only https is spoken".to_owned())));
        }
        if !self.anywhere {
            outside::check(&place).map_err(|error| named(Unanswered(error)))?;
        }
        let request = reqwest::Request::try_from(request).map_err(|error| named(said(error)))?;
        let answer = self.client.execute(request).await.map_err(|error| named(said(error)))?;
        read(answer).await.map_err(named)
    }
}

/// Reads an answer, as long as it may be.
async fn read(mut answer: reqwest::Response) -> Result<HttpResponse, Unanswered> {
    let too_long = || Unanswered(format!("its answer is longer than {} KiB", LONGEST / 1024));
    if answer.status().is_redirection() {
        return Err(Unanswered(format!("it answers {}: redirects are not followed", answer.status())));
    }
    if answer.content_length().is_some_and(|length| length > LONGEST as u64) {
        return Err(too_long());
    }
    let mut read = http::Response::builder().status(answer.status());
    if let Some(headers) = read.headers_mut() {
        *headers = std::mem::take(answer.headers_mut());
    }
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(said)? {
        if body.len() + piece.len() > LONGEST {
            return Err(too_long());
        }
        body.extend_from_slice(&piece);
    }
    read.body(body).map_err(|error| Unanswered(error.to_string()))
}

impl<'c> AsyncHttpClient<'c> for Client {
    type Error = Unanswered;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Unanswered>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.ask(request))
    }
}
