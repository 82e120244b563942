//! Who acts: people, API tokens, and the local administrator at the command line.
//!
//! An actor is made by the console itself (a session, a bearer token) or by the binary for local commands; it is
//! never read from a request. Every function that changes something takes one and checks its role.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Error;

/// What somebody may do; each role may also do all that the ones before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "GrantedRole"))]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// See everything but secrets.
    Viewer,
    /// Give orders to running servers (drain, disable).
    Operator,
    /// Change drafts.
    Editor,
    /// Activate drafts.
    Approver,
    /// Directors, accounts, tokens, deleting clusters.
    Admin,
}

impl Role {
    /// All of them, the least first.
    pub const ALL: [Role; 5] = [Role::Viewer, Role::Operator, Role::Editor, Role::Approver, Role::Admin];

    /// The word in the database, on the command line and in catalogue keys.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Operator => "operator",
            Role::Editor => "editor",
            Role::Approver => "approver",
            Role::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that is no role.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown role {0:?}; roles are viewer, operator, editor, approver, admin")]
pub struct UnknownRole(pub String);

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        Role::ALL.into_iter().find(|r| r.as_str() == text).ok_or_else(|| UnknownRole(text.to_owned()))
    }
}

/// How somebody came to be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ActorKind {
    /// A person with a password, in a session.
    Account,
    /// Automation with an API token.
    Token,
    /// Whoever may read the console's data folder: `caribe passwd`, `caribe token`.
    Local,
}

impl ActorKind {
    /// The word in the audit log.
    pub fn as_str(self) -> &'static str {
        match self {
            ActorKind::Account => "account",
            ActorKind::Token => "token",
            ActorKind::Local => "local",
        }
    }
}

/// Who does something, from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// Account or token name.
    pub name: String,
    /// How they are known.
    pub kind: ActorKind,
    /// What they may do.
    pub role: Role,
    /// The address the request came from; none for local commands.
    pub source: Option<IpAddr>,
    /// The only cluster (by id) that a token reaches; none where nothing is said.
    pub cluster: Option<String>,
}

impl Actor {
    /// The administrator of the machine, at the command line.
    pub fn local() -> Self {
        Actor {
            name: "local".to_owned(),
            kind: ActorKind::Local,
            role: Role::Admin,
            source: None,
            cluster: None,
        }
    }

    /// The same, with where the request came from (for the audit log).
    pub fn from_address(mut self, source: IpAddr) -> Self {
        self.source = Some(source);
        self
    }

    /// Whether this role is enough.
    pub fn may(&self, needs: Role) -> bool {
        self.role >= needs
    }

    /// Nothing where the role is enough, [`Error::Forbidden`] where not.
    pub(crate) fn require(&self, needs: Role) -> Result<(), Error> {
        if self.may(needs) { Ok(()) } else { Err(Error::Forbidden { needs }) }
    }

    /// Whose draft it is: `account/alice`, `token/ci`.
    pub(crate) fn owner(&self) -> String {
        format!("{}/{}", self.kind.as_str(), self.name)
    }
}
