//! What the console decides: accounts, drafts and revisions, activation and push, enrolment and certificates, and
//! the live view of all directors.
//!
//! [`Console`] is the one way in: the pages, the REST API and the command line call the same functions, and every
//! function that changes something takes the [`Actor`] who does it. It never renders, never reads a request, never
//! holds SQL (that is `store`), and meets the agents only over HTTPS in the types of `lvs::wire`.

#![forbid(unsafe_code)]

mod accounts;
mod actor;
mod addresses;
mod alerts;
mod audit;
mod backup;
mod bands;
mod check_now;
mod clock;
mod clusters;
mod directors;
mod error;
mod events;
mod history;
mod live;
mod open;
mod orders;
mod pki;
mod problems;
mod repeated;
mod search;
mod secret;
mod support;
mod tasks;
mod vault;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use accounts::Accounts;
use accounts::sign_on::SignOns;
use store::Store;
use tasks::Tasks;
use vault::Vault;

pub use accounts::{
    AccountError, AccountInfo, AwaitedProof, GroupRole, HalfSession, LoginError, NameError, NewPasswordCode,
    NewSecondFactor, NewSession, NewToken, NoPasskeyPlace, OwnProvider, OwnSession, PasskeyError,
    PasskeyInfo, PasskeyPlace, PasskeyQuestion, PasswordCodeError, PasswordError, PasswordSet,
    SecondFactorError, SecondFactorState, SessionInfo, SetSignOnError, SetupError, SignIn, SignOn,
    SignOnAnswer, SignOnBegun, SignOnError, SignOnSettings, TokenInfo, TokenRequest, WrongSignOn, check_name,
};
pub use actor::{Actor, ActorKind, Role, UnknownRole};
pub use addresses::{AddressState, AddressUse, VirtualAddress, virtual_addresses};
pub use alerts::{
    Alert, AlertChannel, AlertError, AlertLetter, AlertLine, AlertMessage, AlertOutcome, AlertRule,
    AlertSilence, AlertText, AlertWords, ChannelSettings, Email, MailSecurity, NewSecret, RuleSettings,
    SilenceSettings, Way, Webhook, WrongAlert, WrongAlerts,
};
pub use audit::{AuditEntry, AuditQuery};
pub use backup::{
    BackupError, BackupFailed, BackupFolder, BackupMade, BackupThere, Contents, Passphrase, Restorable,
    backup_made_at, backup_name,
};
pub use bands::ServerBands;
pub use check_now::CheckAnswer;
pub use clock::Clock;
pub use clusters::*;
pub use directors::*;
pub use error::{ActivateError, ChangeError, Error, Failure, Missing, Thing};
use events::Recent;
pub use events::{EventPlace, EventPlaceError, EventQuery, EventsAfter, LoggedEvent};
pub use history::{History, HistoryRange, Retention, RetentionError, SeriesKey};
use live::{Board, Links};
pub use live::{LiveCluster, LiveCounters, LiveDirector, LiveServer, LiveService, Rates, Sync, plain};
pub use orders::{NewOrder, OrderGiven, OrderPush, Ordered};
pub use pki::Pki;
pub use problems::{Problem, ProblemKind, ProblemOf, problems};
pub use repeated::{Begun, KeptAnswer};
pub use search::{Find, Found, SearchResult};
pub use support::{SupportBundle, pack};

/// The database within the data folder.
const DATABASE: &str = "caribe.db";

/// Where the console lives and how it is reached.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The data folder; made with mode 0700 where it is not there.
    pub data: PathBuf,
    /// Names and addresses for the browser certificate, besides localhost, 127.0.0.1 and ::1.
    pub host_names: Vec<String>,
    /// Whether alerts may be posted to this machine itself and to what is on its link alone.
    pub local_webhooks: bool,
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
    /// The data folder.
    data: PathBuf,
    /// What people call this console, the name to be shown first.
    names: Vec<String>,
    local_webhooks: bool,
    store: Store,
    pki: Pki,
    vault: Vault,
    accounts: Accounts,
    sign_ons: SignOns,
    live: Board,
    recent: Recent,
    recorder: history::Recorder,
    alerts: alerts::Alerts,
    /// When it was opened, seconds since 1970.
    opened: i64,
    listening: OnceLock<SocketAddr>,
    backups: OnceLock<BackupFolder>,
    links: Links,
    tasks: Tasks,
}

impl Console {
    /// Opens the data folder; makes database, CA and browser certificate where they are not there.
    pub async fn open(settings: Settings) -> Result<Console, OpenError> {
        Console::open_with_clock(settings, Clock::system()).await
    }

    /// Whether a console has been opened in that folder before.
    pub fn is_there(data: &std::path::Path) -> bool {
        data.join(DATABASE).is_file()
    }

    /// The same with another clock.
    pub async fn open_with_clock(settings: Settings, clock: Clock) -> Result<Console, OpenError> {
        let now = clock.now();
        pki::disk::folder(&settings.data)?;
        // Two processes that open a new folder at once (`serve` and `passwd`) must not make two CAs.
        let lock = open::Lock::take(&settings.data).await?;
        let store = Store::open(&settings.data.join(DATABASE)).await.map_err(Failure::from)?;
        let (installation, has_accounts) = open::first_rows(&store, now).await?;
        let pki = Pki::open(&settings.data.join("pki"), &installation, &settings.host_names, now)?;
        let vault = Vault::open(&settings.data.join("pki"))?;
        drop(lock);
        let accounts = Accounts::open(has_accounts, now).await?;
        let inner = Inner {
            clock,
            data: settings.data,
            names: settings.host_names,
            local_webhooks: settings.local_webhooks,
            store,
            pki,
            vault,
            accounts,
            sign_ons: SignOns::default(),
            live: Board::default(),
            recent: Recent::default(),
            recorder: history::Recorder::default(),
            alerts: alerts::Alerts::default(),
            opened: now,
            listening: OnceLock::new(),
            backups: OnceLock::new(),
            links: Links::default(),
            tasks: Tasks::default(),
        };
        let console = Console { inner: Arc::new(inner) };
        console.refresh_links().await?;
        console.load_recent().await?;
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

    /// What people call this console from elsewhere: the first of the names it was given.
    pub fn named(&self) -> Option<&str> {
        self.inner.names.first().map(String::as_str)
    }

    /// All names and addresses it was given.
    pub fn names(&self) -> &[String] {
        &self.inner.names
    }

    /// Says where it listens; the first word counts.
    pub fn listens_on(&self, address: SocketAddr) {
        let _ = self.inner.listening.set(address);
    }

    /// Where it listens; none where nobody has said so.
    pub fn listening(&self) -> Option<SocketAddr> {
        self.inner.listening.get().copied()
    }

    /// Bytes of the database on the disk, with what is not folded into its file yet.
    pub fn database_size(&self) -> u64 {
        let size = |name: String| std::fs::metadata(self.inner.data.join(name)).map_or(0, |file| file.len());
        size(DATABASE.to_owned()) + size(format!("{DATABASE}-wal"))
    }

    fn now(&self) -> i64 {
        self.inner.clock.now()
    }
}
