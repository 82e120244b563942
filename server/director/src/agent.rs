//! The agent as one value: opened from its folder, asked for its router and TLS settings, started, stopped.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use axum::Router;
use bytes::Bytes;
use kernel::events::Events;
use kernel::{Announce, Kernel, LinuxAnnouncer, LinuxKernel};
use lvs::wire::{Applied, Refusal, Status, Target};
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use tokio::sync::{oneshot, watch};
use tokio::task::AbortHandle;

use crate::announce::Airwaves;
use crate::board::Board;
use crate::disk::{DiskError, Folder, LoadError, Lock};
use crate::documents::{self, Documents};
use crate::identity::{self, Certificate, Identity, Key, Loaded};
use crate::intake::{self, Accepted, Mark};
use crate::reconcile::{Reconciler, Released};
use crate::rhythm::Rhythm;
use crate::trust::{self, Newest, TlsError};
use crate::worker::{self, Message};
use crate::{fetch, listener, renew};

/// What an agent is opened with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The agent's folder.
    pub data: PathBuf,
    /// Where its listener is; only named in logs here, the accept loop binds it.
    pub listen: SocketAddr,
}

/// Why an agent cannot be opened. The kernel was not touched.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder cannot be used.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// Another agent uses the folder.
    #[error("another agent is running on {}", .0.display())]
    InUse(PathBuf),
    /// This director belongs to no console yet.
    #[error("{} belongs to no console yet; add the director there and run the command it shows (caribe agent join)", .0.display())]
    NotJoined(PathBuf),
    /// The identity is there but of no use.
    #[error(transparent)]
    Identity(#[from] LoadError),
}

/// Why an agent does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// It has been started before.
    #[error("the agent has been started before")]
    Already,
    /// This machine's kernel cannot be reached: no IPVS, or no right to change it.
    #[error("this machine's kernel cannot be used: {0}")]
    Kernel(#[from] kernel::Error),
    /// No thread could be made.
    #[error("no thread can be started: {0}")]
    Thread(#[from] std::io::Error),
}

/// The director agent. Clones are the same agent.
#[derive(Clone)]
pub struct Agent {
    shared: Arc<Shared>,
}

/// What the agent's loops share.
pub(crate) struct Shared {
    pub(crate) folder: Folder,
    pub(crate) identity: Identity,
    pub(crate) key: Key,
    pub(crate) ca: CertificateDer<'static>,
    pub(crate) certificate: watch::Sender<Certificate>,
    pub(crate) board: Arc<Board>,
    pub(crate) inbox: Sender<Message>,
    pub(crate) rhythm: Rhythm,
    /// What the worker gets when it is started.
    unstarted: Mutex<Option<(Receiver<Message>, Documents)>>,
    running: Mutex<Option<Running>>,
    lock: Mutex<Option<Lock>>,
}

struct Running {
    airwaves: Airwaves,
    stopping: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
    tasks: Vec<AbortHandle>,
}

impl Agent {
    /// Opens an agent: its identity, its last good configuration and the list of what is ours, all from disk.
    ///
    /// A configuration or list that cannot be read is no reason not to start; the status says so.
    pub fn open(settings: Settings) -> Result<Self, OpenError> {
        Self::open_with(settings, Rhythm::default())
    }

    /// The same with other intervals.
    pub fn open_with(settings: Settings, rhythm: Rhythm) -> Result<Self, OpenError> {
        let folder = Folder::open(&settings.data)?;
        // Before the lock: an agent that waits for its director to join must not be in the way of that.
        if !identity::is_there(&folder) {
            return Err(OpenError::NotJoined(settings.data));
        }
        let lock = folder.lock()?.ok_or_else(|| OpenError::InUse(settings.data.clone()))?;
        let Loaded { identity, key, ca, certificate } =
            identity::load(&folder)?.ok_or_else(|| OpenError::NotJoined(settings.data.clone()))?;
        let documents = documents::load(&folder, &identity.director_id);
        let board = Arc::new(Board::new(&identity.director_id, certificate.ends_s));
        board.post(|status| {
            status.seat = documents.held.as_ref().and_then(|held| held.seat);
            status.revision = documents.held.as_ref().map(|held| held.revision);
            status.digest = documents.held.as_ref().map(|held| held.digest.clone());
            status.last_error = documents.target_trouble.clone().or(documents.ownership_trouble.clone());
        });
        tracing::info!(
            director = %identity.director,
            director_id = %identity.director_id,
            console = %identity.console,
            listen = %settings.listen,
            revision = documents.held.as_ref().map(|held| held.revision),
            "agent opened"
        );
        let (inbox, outbox) = mpsc::channel();
        let shared = Shared {
            folder,
            identity,
            key,
            ca,
            certificate: watch::Sender::new(certificate),
            board,
            inbox,
            rhythm,
            unstarted: Mutex::new(Some((outbox, documents))),
            running: Mutex::new(None),
            lock: Mutex::new(Some(lock)),
        };
        Ok(Agent { shared: Arc::new(shared) })
    }

    /// Who this director is.
    pub fn identity(&self) -> &Identity {
        &self.shared.identity
    }

    /// Its status at this moment, as the console sees it.
    pub fn status(&self) -> Status {
        self.shared.board.status()
    }

    /// What the agent answers over HTTPS. Needs the peer's certificate chain in each request's extensions as
    /// `Arc<[CertificateDer]>`; requests without one are refused.
    pub fn router(&self) -> Router {
        listener::router(self.shared.clone())
    }

    /// TLS settings for that router: TLS 1.3, mutual, under the internal CA; renewed certificates are used by themselves.
    pub fn server_config(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let newest = Newest(self.shared.certificate.subscribe());
        trust::server_config(&self.shared.ca, Arc::new(newest)).map(Arc::new)
    }

    /// Starts the loops on the kernel of this machine (of this thread's network namespace), as [`Agent::start`] does.
    pub fn start_here(&self) -> Result<(), StartError> {
        self.start(Box::new(LinuxKernel::open()?), Box::new(LinuxAnnouncer::open()?))
    }

    /// Starts the loops on this kernel; the first pass begins at once and adopts what it finds. Call it within an
    /// async runtime, and on a thread of the network namespace that is to be watched for events.
    pub fn start(&self, kernel: Box<dyn Kernel>, announcer: Box<dyn Announce>) -> Result<(), StartError> {
        let events = Events::open()
            .inspect_err(
                |error| tracing::warn!(%error, "no link and address events; looking every few seconds"),
            )
            .ok();
        self.start_with(kernel, announcer, events)
    }

    /// The same with events of the caller's choice, or none.
    pub fn start_with(
        &self,
        kernel: Box<dyn Kernel>,
        announcer: Box<dyn Announce>,
        events: Option<Events>,
    ) -> Result<(), StartError> {
        let shared = &self.shared;
        let (inbox, documents) = lock(&shared.unstarted).take().ok_or(StartError::Already)?;
        let rhythm = shared.rhythm;
        let (airwaves, announce) = Airwaves::start(announcer, rhythm.refresh)?;
        let reconciler = Reconciler::new(
            kernel,
            shared.folder.clone(),
            shared.board.clone(),
            airwaves.clone(),
            documents,
            &rhythm,
        );
        let spawn = |name: &str, body: Box<dyn FnOnce() + Send>| {
            std::thread::Builder::new().name(name.to_owned()).spawn(body)
        };
        let worker = spawn("reconcile", Box::new(move || worker::run(reconciler, &inbox, &rhythm)))?;
        let mut threads = vec![announce, worker];
        let stopping = Arc::new(AtomicBool::new(false));
        if let Some(events) = events {
            let (inbox, stopping) = (shared.inbox.clone(), stopping.clone());
            let watch = move || worker::watch_events(events, &inbox, &stopping);
            threads.push(spawn("events", Box::new(watch))?);
        }
        let tasks = vec![
            tokio::spawn(renew::run(shared.clone())).abort_handle(),
            tokio::spawn(fetch::run(shared.clone())).abort_handle(),
        ];
        *lock(&shared.running) = Some(Running { airwaves, stopping, threads, tasks });
        Ok(())
    }

    /// Looks at the kernel now rather than at the next tick.
    pub fn poke(&self) {
        let _ = self.shared.inbox.send(Message::Poke);
    }

    /// Stops the loops and ends open streams. Traffic goes on with what the kernel holds, unless `release`: then
    /// what is ours is removed, addresses before services.
    pub async fn stop(&self, release: bool) -> Released {
        let Some(running) = lock(&self.shared.running).take() else { return Released::default() };
        running.tasks.iter().for_each(AbortHandle::abort);
        running.stopping.store(true, Ordering::Relaxed);
        running.airwaves.stop();
        let (answer, answered) = oneshot::channel();
        let _ = self.shared.inbox.send(Message::Stop { release, answer });
        let released = answered.await.unwrap_or_default();
        let threads = running.threads;
        let joined =
            tokio::task::spawn_blocking(move || threads.into_iter().for_each(|thread| drop(thread.join())));
        let _ = joined.await;
        self.shared.board.close();
        lock(&self.shared.lock).take();
        tracing::info!(release, "agent stopped");
        released
    }
}

impl Shared {
    /// Takes a pushed message: reads and checks it beside the async runtime, then has the worker make it true.
    pub(crate) async fn receive(&self, body: Bytes) -> Result<Applied, Refusal> {
        let received = Instant::now();
        self.admit(received, move || intake::read(&body)).await
    }

    /// Takes a target that was fetched; the same rules hold.
    pub(crate) async fn offer(&self, target: Target) -> Result<Applied, Refusal> {
        self.admit(Instant::now(), move || Ok(target)).await
    }

    async fn admit(
        &self,
        received: Instant,
        read: impl FnOnce() -> Result<Target, Refusal> + Send + 'static,
    ) -> Result<Applied, Refusal> {
        let gone = || Refusal::Failed { detail: "the agent is stopping".to_owned() };
        let director_id = self.identity.director_id.clone();
        let status = self.board.status();
        let held = status.revision.zip(status.digest).map(|(revision, digest)| Mark { revision, digest });
        let checked = tokio::task::spawn_blocking(move || -> Result<Accepted, Refusal> {
            intake::check(read()?, &director_id, held.as_ref())
        });
        let accepted = checked.await.map_err(|_| gone())?.inspect_err(|refusal| {
            tracing::warn!(%refusal, "configuration refused");
        })?;
        let (answer, answered) = oneshot::channel();
        let message = Message::Take { accepted: Box::new(accepted), received, answer };
        self.inbox.send(message).map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
