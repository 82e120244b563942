//! What is asked of the provider: what it says of itself, where people are sent, and who came back.
//!
//! Tokens are read and verified by the OpenID Connect library alone: signature by the provider's keys, issuer, audience,
//! nonce, end. It never sees the database. Called by `sign_on`.

use chrono::{DateTime, Utc};
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreClientAuthMethod, CoreErrorResponseType, CoreGenderClaim,
    CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreProviderMetadata,
    CoreResponseType, CoreRevocableToken, CoreRevocationErrorResponse, CoreTokenIntrospectionResponse,
    CoreTokenType,
};
use openidconnect::{
    AccessToken, AccessTokenHash, AdditionalClaims, AuthType, AuthenticationFlow, AuthorizationCode,
    ClientId, ClientSecret, CsrfToken, EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet,
    IdToken, IdTokenFields, IdTokenVerifier, IssuerUrl, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, Scope, StandardErrorResponse, StandardTokenResponse, SubjectIdentifier,
    TokenResponse as _, UserInfoClaims,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::SignOnSettings;
use super::client::{Client as Http, Unanswered};
use super::flows::Flow;
use crate::error::with_causes;

/// Signatures that are believed: made with a key that the provider alone has. Never `none`, never a shared secret.
const SIGNATURES: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];
/// Seconds that the provider's clock may be ahead.
const AHEAD: i64 = 60;
/// Characters of a subject (OpenID Connect Core, section 2).
const SUBJECT: usize = 255;

/// Claims that the standard does not name.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Claims {
    #[serde(flatten)]
    all: Map<String, Value>,
}

impl AdditionalClaims for Claims {}

type Token = IdToken<Claims, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>;
type Fields = IdTokenFields<
    Claims,
    EmptyExtraTokenFields,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;
type Client = openidconnect::Client<
    Claims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    StandardTokenResponse<Fields, CoreTokenType>,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// Why the provider led to nobody.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// It does not answer, or not as it should: whoever tries later may get in.
    #[error("{0}")]
    Unreachable(String),
    /// What it says cannot be believed, or is not enough.
    #[error("{0}")]
    Refused(String),
}

impl From<Unanswered> for Fault {
    fn from(error: Unanswered) -> Self {
        Fault::Unreachable(error.0)
    }
}

fn unreachable(error: &(dyn std::error::Error + 'static)) -> Fault {
    Fault::Unreachable(with_causes(error))
}

fn refused(error: &(dyn std::error::Error + 'static)) -> Fault {
    Fault::Refused(with_causes(error))
}

/// Who the provider says it is that came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Person {
    pub(super) subject: String,
    /// What names the account; none where no claim does.
    pub(super) name: Option<String>,
    pub(super) groups: Vec<String>,
    /// When they last showed the provider who they are, where it says so.
    pub(super) proved: Option<i64>,
}

/// A provider that answered.
pub(super) struct Provider {
    http: Http,
    metadata: CoreProviderMetadata,
    client: Client,
}

impl Provider {
    /// Asks the provider what it says of itself, and for its keys.
    pub(super) async fn discover(
        settings: &SignOnSettings,
        secret: Option<String>,
        redirect: &str,
        anywhere: bool,
    ) -> Result<Self, Fault> {
        let http = Http::new(settings, anywhere)?;
        let issuer = IssuerUrl::new(settings.issuer.clone()).map_err(|error| refused(&error))?;
        let found = CoreProviderMetadata::discover_async(issuer, &http).await;
        let metadata = found.map_err(|error| unreachable(&error))?;
        usable(&metadata)?;
        let redirect = RedirectUrl::new(redirect.to_owned()).map_err(|error| refused(&error))?;
        let id = ClientId::new(settings.client_id.clone());
        let mut client = Client::from_provider_metadata(metadata.clone(), id, secret.map(ClientSecret::new))
            .set_redirect_uri(redirect);
        let methods = metadata.token_endpoint_auth_methods_supported();
        let takes = |method| methods.is_none_or(|methods| methods.contains(&method));
        if !takes(CoreClientAuthMethod::ClientSecretBasic) && takes(CoreClientAuthMethod::ClientSecretPost) {
            client = client.set_auth_type(AuthType::RequestBody);
        }
        Ok(Provider { http, metadata, client })
    }

    /// Where the browser is sent. `state` finds the flow again.
    pub(super) fn question(&self, settings: &SignOnSettings, state: &str, flow: &Flow) -> String {
        let (state, nonce) = (CsrfToken::new(state.to_owned()), Nonce::new(flow.nonce.clone()));
        let code = AuthenticationFlow::<CoreResponseType>::AuthorizationCode;
        let verifier = PkceCodeVerifier::new(flow.verifier.clone());
        let mut question = self
            .client
            .authorize_url(code, move || state, move || nonce)
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
        for scope in settings.scopes.iter().filter(|scope| *scope != "openid") {
            question = question.add_scope(Scope::new(scope.clone()));
        }
        if flow.again.is_some() {
            question = question.add_prompt(CoreAuthPrompt::Login).set_max_age(std::time::Duration::ZERO);
        }
        question.url().0.to_string()
    }

    /// Fetches the token for a code, and reads who it is of.
    pub(super) async fn identify(
        &self,
        settings: &SignOnSettings,
        code: &str,
        flow: Flow,
        now: i64,
    ) -> Result<Person, Fault> {
        let exchange = self.client.exchange_code(AuthorizationCode::new(code.to_owned()));
        let exchange = exchange.map_err(|error| refused(&error))?;
        let exchange = exchange.set_pkce_verifier(PkceCodeVerifier::new(flow.verifier.clone()));
        let answer = exchange.request_async(&self.http).await.map_err(|error| match error {
            openidconnect::RequestTokenError::Request(error) => Fault::Unreachable(error.to_string()),
            other => refused(&other),
        })?;
        let none = || Fault::Refused("the provider gave no ID token; is openid among the scopes?".to_owned());
        let token: &Token = answer.id_token().ok_or_else(none)?;
        let begun = flow.again.as_ref().map(|_| flow.begun);
        let verifier = self.verifier(begun, now);
        let claims = token.claims(&verifier, &Nonce::new(flow.nonce)).map_err(|error| refused(&error))?;
        let subject = claims.subject().clone();
        if subject.is_empty() || subject.len() > SUBJECT {
            return Err(Fault::Refused(
                "the token's subject is empty or longer than 255 characters".to_owned(),
            ));
        }
        if let Some(expected) = claims.access_token_hash() {
            let hash = fingerprint(token, &verifier, answer.access_token())?;
            if hash != *expected {
                return Err(Fault::Refused(
                    "the access token is not the one that the ID token was made with".to_owned(),
                ));
            }
        }
        let proved = claims.auth_time().map(|at| at.timestamp().min(now));
        let mut known = serde_json::to_value(claims).map_err(|error| refused(&error))?;
        if name(settings, &known).is_none() || groups(settings, &known).is_none() {
            self.ask_more(answer.access_token(), &subject, &mut known).await?;
        }
        Ok(Person {
            subject: subject.to_string(),
            name: name(settings, &known),
            groups: groups(settings, &known).unwrap_or_default(),
            proved,
        })
    }

    /// `begun`: the person has to have shown who they are since then.
    fn verifier(&self, begun: Option<i64>, now: i64) -> IdTokenVerifier<'_, CoreJsonWebKey> {
        let present: DateTime<Utc> = DateTime::from_timestamp(now, 0).unwrap_or(DateTime::<Utc>::MAX_UTC);
        self.client
            .id_token_verifier()
            .set_allowed_algs(SIGNATURES)
            .set_time_fn(move || present)
            .set_issue_time_verifier_fn(move |made| match made.timestamp() <= now.saturating_add(AHEAD) {
                true => Ok(()),
                false => Err("the token is of a time to come; one of the two clocks is wrong".to_owned()),
            })
            .set_auth_time_verifier_fn(move |proved| match (begun, proved) {
                (Some(begun), Some(at)) if at.timestamp() < begun.saturating_sub(AHEAD) => {
                    Err("the provider did not ask once more who it is".to_owned())
                }
                (Some(_), None) => {
                    Err("the provider does not say when it asked who it is (auth_time)".to_owned())
                }
                _ => Ok(()),
            })
    }

    /// Adds what the token does not say and the provider's `userinfo` does.
    async fn ask_more(
        &self,
        token: &AccessToken,
        subject: &SubjectIdentifier,
        known: &mut Value,
    ) -> Result<(), Fault> {
        // What cannot stand in a header is no token; the library would take it as it is.
        let fits = token.secret().bytes().all(|byte| byte.is_ascii_graphic());
        if self.metadata.userinfo_endpoint().is_none() || !fits {
            return Ok(());
        }
        let question = self.client.user_info(token.clone(), Some(subject.clone()));
        let question = question.map_err(|error| refused(&error))?;
        let more: UserInfoClaims<Claims, CoreGenderClaim> =
            question.request_async(&self.http).await.map_err(|error| match error {
                openidconnect::UserInfoError::Request(error) => Fault::Unreachable(error.to_string()),
                other => refused(&other),
            })?;
        let more = serde_json::to_value(&more).map_err(|error| refused(&error))?;
        if let (Value::Object(known), Value::Object(more)) = (known, more) {
            for (claim, value) in more {
                let place = known.entry(claim).or_insert(Value::Null);
                if place.is_null() {
                    *place = value;
                }
            }
        }
        Ok(())
    }
}

fn fingerprint(
    token: &Token,
    verifier: &IdTokenVerifier<'_, CoreJsonWebKey>,
    access: &AccessToken,
) -> Result<AccessTokenHash, Fault> {
    let algorithm = token.signing_alg().map_err(|error| refused(&error))?;
    let key = token.signing_key(verifier).map_err(|error| refused(&error))?;
    AccessTokenHash::from_token(access, algorithm, key).map_err(|error| refused(&error))
}

/// Whether there is all that a sign-in needs.
fn usable(metadata: &CoreProviderMetadata) -> Result<(), Fault> {
    let lacks = |what: &str| Err(Fault::Refused(format!("the provider has {what}")));
    if metadata.authorization_endpoint().url().scheme() != "https" {
        return lacks("an authorization endpoint without https");
    }
    if metadata.token_endpoint().is_none() {
        return lacks("no token endpoint");
    }
    if metadata.jwks().keys().is_empty() {
        return lacks("no keys that could be read");
    }
    let offered = metadata.id_token_signing_alg_values_supported();
    match offered.iter().any(|one| SIGNATURES.contains(one)) {
        true => Ok(()),
        false => lacks("no signatures that are believed here (RS256, PS256, ES256, EdDSA and the like)"),
    }
}

/// The value of a claim; dots lead into objects.
fn claim<'a>(known: &'a Value, name: &str) -> Option<&'a Value> {
    let value = known.get(name).or_else(|| name.split('.').try_fold(known, |value, part| value.get(part)));
    value.filter(|value| !value.is_null())
}

fn name(settings: &SignOnSettings, known: &Value) -> Option<String> {
    let text = |name: &str| claim(known, name).and_then(Value::as_str).map(ToOwned::to_owned);
    match &settings.name_claim {
        Some(name) => text(name),
        None => text("preferred_username").or_else(|| text("email")),
    }
    .filter(|name| !name.is_empty())
}

/// One group or several; none where the claim is not there.
fn groups(settings: &SignOnSettings, known: &Value) -> Option<Vec<String>> {
    let text = |value: &Value| value.as_str().map(ToOwned::to_owned);
    match claim(known, &settings.groups_claim)? {
        Value::Array(all) => Some(all.iter().filter_map(text).collect()),
        one => Some(text(one).into_iter().collect()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn claims_are_found_by_name_or_by_the_way_to_them() {
        let known = json!({
            "preferred_username": "alice", "email": "alice@example.com", "upn": "a", "groups": ["x", 1, "y"],
            "realm_access": { "roles": ["r"] }, "https://example.com/team": "one", "nothing": null,
        });
        let of = |name_claim: Option<&str>, groups_claim: &str| {
            let settings = SignOnSettings {
                name_claim: name_claim.map(ToOwned::to_owned),
                groups_claim: groups_claim.to_owned(),
                ..SignOnSettings::default()
            };
            (name(&settings, &known), groups(&settings, &known))
        };
        let texts = |all: &[&str]| Some(all.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>());
        assert_eq!(of(None, "groups"), (Some("alice".to_owned()), texts(&["x", "y"])));
        assert_eq!(of(Some("upn"), "realm_access.roles"), (Some("a".to_owned()), texts(&["r"])));
        assert_eq!(of(Some("no"), "https://example.com/team"), (None, texts(&["one"])));
        assert_eq!(of(Some("nothing"), "nothing"), (None, None));
    }
}
