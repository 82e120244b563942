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
mod clock;
mod clusters;
mod directors;
mod error;
mod live;
mod open;
mod pki;
mod secret;
mod tasks;

use std::path::PathBuf;
use std::sync::Arc;

use accounts::Accounts;
use store::Store;
use tasks::Tasks;

pub use accounts::{
    AccountError, LoginError, NameError, NewSession, NewToken, PasswordError, PasswordSet, SessionInfo,
    SetupError, TokenInfo,
};
pub use actor::{Actor, ActorKind, Role, UnknownRole};
pub use audit::AuditEntry;
pub use clock::Clock;
pub use clusters::*;
pub use directors::*;
pub use error::{ActivateError, ChangeError, Error, Failure, Missing, Thing};
use live::{Board, Links};
pub use live::{LiveCluster, LiveCounters, LiveDirector, LiveServer, LiveService, Rates, Sync};
pub use pki::Pki;

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
    clock: Clock,
    store: Store,
    pki: Pki,
    accounts: Accounts,
    live: Board,
    links: Links,
    tasks: Tasks,
}

impl Console {
    /// Opens the data folder; makes database, CA and browser certificate where they are not there.
    pub async fn open(settings: Settings) -> Result<Console, OpenError> {
        Console::open_with_clock(settings, Clock::system()).await
    }

    /// The same with another clock.
    pub async fn open_with_clock(settings: Settings, clock: Clock) -> Result<Console, OpenError> {
        let now = clock.now();
        pki::disk::folder(&settings.data)?;
        // Two processes that open a new folder at once (`serve` and `passwd`) must not make two CAs.
        let lock = open::Lock::take(&settings.data).await?;
        let store = Store::open(&settings.data.join("caribe.db")).await.map_err(Failure::from)?;
        let (installation, has_accounts) = open::first_rows(&store, now).await?;
        let pki = Pki::open(&settings.data.join("pki"), &installation, &settings.host_names, now)?;
        drop(lock);
        let accounts = Accounts::open(has_accounts, now).await?;
        let inner = Inner {
            clock,
            store,
            pki,
            accounts,
            live: Board::default(),
            links: Links::default(),
            tasks: Tasks::default(),
        };
        let console = Console { inner: Arc::new(inner) };
        console.refresh_links().await?;
        Ok(console)
    }

    /// Starts the links to the directors and the renewals.
    pub fn start(&self) {
        self.start_tasks();
    }

    /// Ends them and waits until they have ended.
    pub async fn stop(&self) {
        self.stop_tasks().await;
        self.inner.store.close().await;
    }

    /// Keys and certificates.
    pub fn pki(&self) -> &Pki {
        &self.inner.pki
    }

    fn now(&self) -> i64 {
        self.inner.clock.now()
    }
}
