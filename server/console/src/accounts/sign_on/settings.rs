//! What is set about the provider that people may sign in through, and the rules that it keeps. Pure.

use openidconnect::url::Url;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde::{Deserialize, Serialize};

use crate::{Failure, Role};

/// Characters of a line.
const LINE: usize = 255;
/// Characters of certificates, some ten of them.
const CERTIFICATES: usize = 32_768;
/// Groups that may be given roles.
const GROUPS: usize = 200;
/// Kinds of claims that may be asked for.
const SCOPES: usize = 20;
/// What every such sign-in asks for.
const OPENID: &str = "openid";

/// A group of the provider and what its members may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct GroupRole {
    /// As the provider names it; upper and lower case differ.
    pub group: String,
    /// What its members may do. Whoever is in several groups gets the highest.
    pub role: Role,
}

/// The provider that people may sign in through (OpenID Connect), without the client's secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SignOnSettings {
    /// Whether people may sign in so.
    #[serde(default)]
    pub enabled: bool,
    /// What stands on the button of the login page; empty for words in the visitor's language.
    #[serde(default)]
    pub name: String,
    /// The provider's name for itself: `https://id.example.com/realms/ops`.
    #[serde(default)]
    pub issuer: String,
    /// The provider's name for this console.
    #[serde(default)]
    pub client_id: String,
    /// What is asked for.
    #[serde(default = "scopes")]
    pub scopes: Vec<String>,
    /// Certificates (PEM) of authorities that are believed besides the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorities: Option<String>,
    /// The claim that names the account; absent for `preferred_username`, or else `email`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_claim: Option<String>,
    /// The claim that holds somebody's groups; dots lead into objects (`realm_access.roles`).
    #[serde(default = "groups_claim")]
    pub groups_claim: String,
    /// What members of groups may do.
    #[serde(default)]
    pub groups: Vec<GroupRole>,
    /// What whoever is in none of them may do; absent where they are refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_role: Option<Role>,
    /// Whether the console's own second factor counts for them, too: asked for, and demanded as of everybody else.
    #[serde(default)]
    pub second_factor: bool,
    /// Where browsers reach this console: `https://lb.example.com:3636`. Absent: its first name, and the port it listens on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

fn scopes() -> Vec<String> {
    [OPENID, "profile", "email"].map(ToOwned::to_owned).into()
}

fn groups_claim() -> String {
    "groups".to_owned()
}

impl Default for SignOnSettings {
    fn default() -> Self {
        SignOnSettings {
            enabled: false,
            name: String::new(),
            issuer: String::new(),
            client_id: String::new(),
            scopes: scopes(),
            authorities: None,
            name_claim: None,
            groups_claim: groups_claim(),
            groups: Vec::new(),
            default_role: None,
            second_factor: false,
            address: None,
        }
    }
}

/// What is set, as administrators see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignOn {
    /// What is set.
    pub settings: SignOnSettings,
    /// Whether a client's secret is kept.
    pub has_secret: bool,
    /// Where the provider has to send people back to; none where nobody has said how this console is reached.
    pub redirect: Option<String>,
}

/// Why a setting cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrongSignOn {
    /// Nothing is there.
    #[error("something is needed here")]
    Missing,
    /// Too long, or with characters that do not belong into one line.
    #[error("this is too long, or has characters that cannot be in it")]
    Text,
    /// No name of a provider.
    #[error("https://… is expected, without user, password, ? and #")]
    Issuer,
    /// Not as scopes are.
    #[error("words with blanks between them are expected, openid among them")]
    Scopes,
    /// No certificates.
    #[error("certificates in PEM are expected (-----BEGIN CERTIFICATE-----)")]
    Authorities,
    /// A group without a name, twice, or too many of them.
    #[error("each group is named once, with a role; at most 200")]
    Groups,
    /// With these settings nobody could sign in.
    #[error("nobody could sign in: give a group a role, or a role to everybody")]
    Nobody,
    /// No address of a console.
    #[error("https://NAME or https://NAME:PORT is expected")]
    Address,
    /// Nobody has said how this console is reached.
    #[error("this console was given no name: say here how browsers reach it")]
    Nameless,
}

impl WrongSignOn {
    /// A stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            WrongSignOn::Missing => "missing",
            WrongSignOn::Text => "text",
            WrongSignOn::Issuer => "issuer",
            WrongSignOn::Scopes => "scopes",
            WrongSignOn::Authorities => "authorities",
            WrongSignOn::Groups => "groups",
            WrongSignOn::Nobody => "nobody",
            WrongSignOn::Address => "address",
            WrongSignOn::Nameless => "nameless",
        }
    }
}

/// Why what is set about the provider was not changed. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum SetSignOnError {
    /// What was sent cannot be taken: fields, and what is wrong with each.
    #[error("{} settings cannot be taken", .0.len())]
    Invalid(Vec<(&'static str, WrongSignOn)>),
    /// The actor's role is not enough.
    #[error("this needs the role {needs}")]
    Forbidden {
        /// The least role that may.
        needs: Role,
    },
    /// The machinery failed.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl From<crate::Error> for SetSignOnError {
    fn from(error: crate::Error) -> Self {
        match error {
            crate::Error::Forbidden { needs } => SetSignOnError::Forbidden { needs },
            crate::Error::Failed(failure) => SetSignOnError::Failed(failure),
            other => SetSignOnError::Failed(Failure::of("single sign-on", other)),
        }
    }
}

impl From<store::Error> for SetSignOnError {
    fn from(error: store::Error) -> Self {
        SetSignOnError::Failed(Failure::Store(error))
    }
}

fn is_line(text: &str) -> bool {
    text.len() <= LINE && !text.chars().any(char::is_control)
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.len() <= LINE && text.chars().all(|c| c.is_ascii_graphic())
}

/// Whether it can be the name of a provider; the same characters are compared with what the provider says of itself.
fn is_issuer(text: &str) -> bool {
    text.len() <= LINE
        && Url::parse(text).is_ok_and(|url| {
            let bare = url.query().is_none() && url.fragment().is_none();
            url.scheme() == "https"
                && url.has_host()
                && url.username().is_empty()
                && url.password().is_none()
                && bare
        })
}

/// The address of a console without a slash at its end; none where it is not one.
fn origin(text: &str) -> Option<String> {
    let url = Url::parse(text).ok().filter(|_| text.len() <= LINE)?;
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let nobody = url.username().is_empty() && url.password().is_none();
    let origin = url.origin().ascii_serialization();
    (url.scheme() == "https" && bare && nobody).then_some(origin)
}

fn are_certificates(text: &str) -> bool {
    let mut found = CertificateDer::pem_slice_iter(text.as_bytes()).peekable();
    text.len() <= CERTIFICATES && found.peek().is_some() && found.all(|one| one.is_ok())
}

fn are_groups(groups: &[GroupRole]) -> bool {
    let mut names: Vec<&str> = groups.iter().map(|one| one.group.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    groups.len() <= GROUPS
        && names.len() == groups.len()
        && names.iter().all(|name| !name.is_empty() && is_line(name))
}

impl SignOnSettings {
    /// Takes blanks away that people leave, and the slash behind an address.
    pub(super) fn tidied(mut self) -> Self {
        let filled =
            |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        for text in [&mut self.name, &mut self.issuer, &mut self.client_id, &mut self.groups_claim] {
            *text = text.trim().to_owned();
        }
        self.authorities = filled(self.authorities);
        self.name_claim = filled(self.name_claim);
        self.address = filled(self.address).map(|address| origin(&address).unwrap_or(address));
        self
    }

    /// What is wrong, by field. `named`: whether this console knows how it is reached.
    pub(super) fn check(&self, named: bool) -> Vec<(&'static str, WrongSignOn)> {
        let mut wrong = Vec::new();
        let mut say = |bad: bool, field: &'static str, why: WrongSignOn| {
            if bad {
                wrong.push((field, why));
            }
        };
        say(!is_line(&self.name), "name", WrongSignOn::Text);
        let needed = |text: &str| text.is_empty() && self.enabled;
        say(needed(&self.issuer), "issuer", WrongSignOn::Missing);
        say(!self.issuer.is_empty() && !is_issuer(&self.issuer), "issuer", WrongSignOn::Issuer);
        say(needed(&self.client_id), "client_id", WrongSignOn::Missing);
        say(!is_line(&self.client_id), "client_id", WrongSignOn::Text);
        let are_words = self.scopes.len() <= SCOPES && self.scopes.iter().all(|scope| is_word(scope));
        say(!are_words || !self.scopes.iter().any(|scope| scope == OPENID), "scopes", WrongSignOn::Scopes);
        let authorities = self.authorities.as_deref();
        say(authorities.is_some_and(|pem| !are_certificates(pem)), "authorities", WrongSignOn::Authorities);
        say(self.name_claim.as_deref().is_some_and(|claim| !is_line(claim)), "name_claim", WrongSignOn::Text);
        say(self.groups_claim.is_empty(), "groups_claim", WrongSignOn::Missing);
        say(!is_line(&self.groups_claim), "groups_claim", WrongSignOn::Text);
        say(!are_groups(&self.groups), "groups", WrongSignOn::Groups);
        say(
            self.enabled && self.groups.is_empty() && self.default_role.is_none(),
            "groups",
            WrongSignOn::Nobody,
        );
        let address = self.address.as_deref();
        say(address.is_some_and(|address| origin(address).is_none()), "address", WrongSignOn::Address);
        say(self.enabled && address.is_none() && !named, "address", WrongSignOn::Nameless);
        wrong
    }

    /// The highest role that somebody in these groups gets; none where they are refused.
    pub(super) fn role_of(&self, groups: &[String]) -> Option<Role> {
        let mapped = self.groups.iter().filter(|one| groups.contains(&one.group)).map(|one| one.role).max();
        mapped.or(self.default_role)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> SignOnSettings {
        SignOnSettings {
            enabled: true,
            issuer: "https://id.example.com/realms/ops".to_owned(),
            client_id: "caribe".to_owned(),
            groups: vec![GroupRole { group: "/lb".to_owned(), role: Role::Operator }],
            ..SignOnSettings::default()
        }
    }

    #[test]
    fn what_could_not_work_is_said_at_its_field() {
        assert_eq!(good().check(true), []);
        assert_eq!(SignOnSettings::default().check(false), [], "switched off, nothing is needed");
        assert_eq!(good().check(false), [("address", WrongSignOn::Nameless)]);
        for issuer in [
            "http://id.example.com",
            "id.example.com",
            "https://a:b@id.example.com",
            "https://id.example.com/?x=1",
        ] {
            let settings = SignOnSettings { issuer: issuer.to_owned(), ..good() };
            assert_eq!(settings.check(true), [("issuer", WrongSignOn::Issuer)], "{issuer}");
        }
        let settings = SignOnSettings { groups: Vec::new(), ..good() };
        assert_eq!(settings.check(true), [("groups", WrongSignOn::Nobody)]);
        let settings = SignOnSettings { scopes: vec!["email".to_owned()], ..good() };
        assert_eq!(settings.check(true), [("scopes", WrongSignOn::Scopes)]);
        let twice = [Role::Viewer, Role::Admin].map(|role| GroupRole { group: "a".to_owned(), role });
        let settings = SignOnSettings { groups: twice.into(), ..good() };
        assert_eq!(settings.check(true), [("groups", WrongSignOn::Groups)]);
        let settings = SignOnSettings { authorities: Some("nothing".to_owned()), ..good() };
        assert_eq!(settings.check(true), [("authorities", WrongSignOn::Authorities)]);
    }

    #[test]
    fn an_address_is_an_origin() {
        let address = |text: &str| {
            let settings = SignOnSettings { address: Some(text.to_owned()), ..good() }.tidied();
            (settings.check(true).is_empty(), settings.address)
        };
        assert_eq!(
            address("https://lb.example.com:3636/"),
            (true, Some("https://lb.example.com:3636".to_owned()))
        );
        assert_eq!(address("https://LB.example.com:443"), (true, Some("https://lb.example.com".to_owned())));
        assert_eq!(address(" "), (true, None));
        for wrong in [
            "http://lb.example.com",
            "https://lb.example.com/x",
            "https://a@lb.example.com",
            "lb.example.com",
        ] {
            assert!(!address(wrong).0, "{wrong}");
        }
    }

    #[test]
    fn the_highest_group_counts_and_others_get_what_everybody_gets() {
        let roles = [("a", Role::Viewer), ("b", Role::Approver), ("c", Role::Operator)];
        let groups = roles.map(|(group, role)| GroupRole { group: group.to_owned(), role });
        let settings = SignOnSettings { groups: groups.into(), ..good() };
        let of = |settings: &SignOnSettings, groups: &[&str]| {
            settings.role_of(&groups.iter().map(|group| (*group).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(of(&settings, &["c", "b", "x"]), Some(Role::Approver));
        assert_eq!(of(&settings, &["A", "x"]), None);
        let settings = SignOnSettings { default_role: Some(Role::Viewer), ..settings };
        assert_eq!(of(&settings, &[]), Some(Role::Viewer));
        assert_eq!(of(&settings, &["c"]), Some(Role::Operator));
    }
}
