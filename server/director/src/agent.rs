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
use kernel::{
    Announce, Connections, Kernel, Lease, LinuxAnnouncer, LinuxConnections, LinuxKernel, LinuxLease, Wires,
};
use lvs::failover::Order;
use lvs::journal::Happening;
use lvs::wire::{
    Applied, DirectorOrder, OrderRequest, OrdersPush, OrdersTaken, Refusal, RepairRequest, Status, Target,
};
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use tokio::sync::{oneshot, watch};
use tokio::task::AbortHandle;

use crate::announce::Airwaves;
use crate::board::Board;
use crate::courier::Courier;
use crate::disk::{DiskError, Folder, LoadError, Lock};
use crate::documents::{self, Documents};
use crate::identity::{self, Certificate, Identity, Key, Loaded};
use crate::intake::{self, Accepted, Mark};
use crate::journal::{Journal, Scribe};
use crate::nanny::{Nanny, Programs};
use crate::reconcile::{self, Reconciler, Released};
use crate::redundancy::hooks::Hooks;
use crate::redundancy::{Chest, Heart, Leases, ledger, witness};
use crate::rhythm::Rhythm;
use crate::trust::{self, Newest, TlsError};
use crate::worker::{self, Message};
use crate::{fetch, listener, local, metrics, renew};

/// What an agent is opened with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The agent's folder.
    pub data: PathBuf,
    /// Where its listener is; only named in logs here, the accept loop binds it.
    pub listen: SocketAddr,
    /// Folders whose programs checks may run; they run nothing else.
    pub programs: Vec<PathBuf>,
    /// The user they run as; the agent's own where absent.
    pub programs_user: Option<String>,
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
    /// The machine has no descriptors left.
    #[error(transparent)]
    Kernel(#[from] kernel::Error),
}

/// Why an agent does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// It has been started before.
    #[error("the agent has been started before")]
    Already,
    /// This machine's kernel cannot be reached: no IPVS, or no right to change it.
    #[error("this machine's kernel cannot be used")]
    Kernel(#[from] kernel::Error),
    /// No thread could be made.
    #[error("no thread can be started")]
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
    /// The door to the heartbeat.
    pub(crate) heart: Heart,
    /// The door to the checks.
    pub(crate) nanny: Nanny,
    /// What the worker gets when it is started.
    unstarted: Mutex<Option<Unstarted>>,
    running: Mutex<Option<Running>>,
    lock: Mutex<Option<Lock>>,
}

/// What the threads are made of.
struct Unstarted {
    inbox: Receiver<Message>,
    documents: Documents,
    chest: Chest,
    scribe: Scribe,
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
        Self::open_with(settings, Rhythm::default(), Wires::Network)
    }

    /// The same with other intervals, and beats over another network.
    pub fn open_with(settings: Settings, rhythm: Rhythm, wires: Wires) -> Result<Self, OpenError> {
        let folder = Folder::open(&settings.data)?;
        // Before the lock: an agent that waits for its director to join must not be in the way of that.
        if !identity::is_there(&folder) {
            return Err(OpenError::NotJoined(settings.data));
        }
        let lock = folder.lock()?.ok_or_else(|| OpenError::InUse(settings.data.clone()))?;
        let Loaded { identity, key, ca, certificate } =
            identity::load(&folder)?.ok_or_else(|| OpenError::NotJoined(settings.data.clone()))?;
        let documents = documents::load(&folder, &identity.director_id);
        let (journal, scribe) = Journal::open(&settings.data);
        let board = Arc::new(Board::new(&identity.director_id, certificate.ends_s, journal));
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
        let (heart, chest) = Heart::new(wires)?;
        let programs = Programs { folders: settings.programs, user: settings.programs_user };
        let nanny = Nanny::open(&folder, programs, &identity.director_id);
        let shared = Shared {
            folder,
            identity,
            key,
            ca,
            certificate: watch::Sender::new(certificate),
            board,
            inbox,
            rhythm,
            heart,
            nanny,
            unstarted: Mutex::new(Some(Unstarted { inbox: outbox, documents, chest, scribe })),
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

    /// What the agent answers to a monitoring system: `GET /metrics`, to callers that show the token in the file
    /// `metrics-token` of the agent's folder, which is made where it is missing.
    ///
    /// # Errors
    /// Where that file can be neither read nor written.
    pub fn metrics_router(&self) -> Result<Router, DiskError> {
        let token = metrics::token(&self.shared.folder)?;
        Ok(metrics::router(self.shared.clone(), &token))
    }

    /// TLS settings for that router: the same certificate, without one of the caller.
    pub fn metrics_config(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let newest = Newest(self.shared.certificate.subscribe());
        trust::public_config(Arc::new(newest)).map(Arc::new)
    }

    /// Starts the loops on the kernel of this machine (of this thread's network namespace), as [`Agent::start`] does.
    pub fn start_here(&self) -> Result<(), StartError> {
        self.start(
            Box::new(LinuxKernel::open()?),
            Box::new(LinuxAnnouncer::open()?),
            Box::new(LinuxLease::open()?),
            Box::new(LinuxConnections::new()),
        )
    }

    /// Starts the loops on this kernel; the first pass begins at once and adopts what it finds. Call it within an
    /// async runtime, and on a thread of the network namespace that is to be watched for events.
    pub fn start(
        &self,
        kernel: Box<dyn Kernel>,
        announcer: Box<dyn Announce>,
        lease: Box<dyn Lease>,
        connections: Box<dyn Connections>,
    ) -> Result<(), StartError> {
        let events = Events::open()
            .inspect_err(
                |error| tracing::warn!(%error, "no link and address events; looking every few seconds"),
            )
            .ok();
        self.start_with(kernel, announcer, lease, connections, events)
    }

    /// The same with events of the caller's choice, or none.
    pub fn start_with(
        &self,
        kernel: Box<dyn Kernel>,
        announcer: Box<dyn Announce>,
        lease: Box<dyn Lease>,
        connections: Box<dyn Connections>,
        events: Option<Events>,
    ) -> Result<(), StartError> {
        let shared = &self.shared;
        let Unstarted { inbox, documents, chest, scribe } =
            lock(&shared.unstarted).take().ok_or(StartError::Already)?;
        let rhythm = shared.rhythm;
        if let Some(events) = &events {
            shared.heart.see(events.picture());
        }
        let (airwaves, announce) = Airwaves::start(announcer, rhythm.refresh)?;
        let (courier, carry) = Courier::start(connections)?;
        let leases = Leases::default();
        let stopping = Arc::new(AtomicBool::new(false));
        let (board, boot) = (shared.board.clone(), ledger::boot());
        let tell_hook = move |hook| board.hook(hook);
        let (hooks, hook_thread) = Hooks::start(shared.folder.clone(), boot, stopping.clone(), tell_hook)?;
        let reconciler = Reconciler::new(
            kernel,
            shared.folder.by_another("files", reconcile::PATIENCE)?,
            shared.board.clone(),
            airwaves.clone(),
            documents,
            &rhythm,
            (shared.heart.clone(), leases.clone(), hooks, shared.nanny.clone(), courier),
        );
        let news = shared.inbox.clone();
        let tell = move |what| drop(news.send(Message::Heart(what)));
        let mut threads = chest.start(lease, leases, shared.folder.clone(), tell)?;
        let spawn = |name: &str, body: Box<dyn FnOnce() + Send>| {
            std::thread::Builder::new().name(name.to_owned()).spawn(body)
        };
        let worker = spawn("reconcile", Box::new(move || worker::run(reconciler, &inbox, &rhythm)))?;
        threads.extend([announce, carry, worker, hook_thread, scribe.start()?]);
        let inbox = shared.inbox.clone();
        let stands = move || drop(inbox.send(Message::Stands));
        threads.extend(shared.nanny.start(shared.board.clone(), stands)?);
        let version = env!("CARGO_PKG_VERSION").to_owned();
        shared.board.journal().note(Happening::AgentStarted { version });
        if let Some(events) = events {
            let (inbox, stopping) = (shared.inbox.clone(), stopping.clone());
            let (heart, board) = (shared.heart.clone(), shared.board.clone());
            let watch = move || worker::watch_events(events, &inbox, (&heart, &board), &stopping);
            threads.push(spawn("events", Box::new(watch))?);
        }
        let mut tasks = vec![
            tokio::spawn(renew::run(shared.clone())).abort_handle(),
            tokio::spawn(fetch::run(shared.clone())).abort_handle(),
            tokio::spawn(witness::run(shared.clone())).abort_handle(),
            tokio::spawn(shared.nanny.clone().watch(shared.board.clone())).abort_handle(),
        ];
        match local::open(&shared.folder) {
            Ok(socket) => tasks.push(tokio::spawn(local::serve(socket, shared.clone())).abort_handle()),
            Err(error) => tracing::warn!(%error, "no orders can be given on this machine itself"),
        }
        *lock(&shared.running) = Some(Running { airwaves, stopping, threads, tasks });
        Ok(())
    }

    /// Looks at the kernel now rather than at the next tick.
    pub fn poke(&self) {
        let _ = self.shared.inbox.send(Message::Poke);
    }

    /// Waits until the loop that owns the kernel has come round; false where it has ended.
    pub async fn answers(&self) -> bool {
        let (answer, answered) = oneshot::channel();
        self.shared.inbox.send(Message::Answer(answer)).is_ok() && answered.await.is_ok()
    }

    /// Stops the loops and ends open streams. Traffic goes on with what the kernel holds, unless `release`: then
    /// what is ours is removed, addresses before services.
    pub async fn stop(&self, release: bool) -> Released {
        let Some(running) = lock(&self.shared.running).take() else { return Released::default() };
        running.tasks.iter().for_each(AbortHandle::abort);
        running.stopping.store(true, Ordering::Relaxed);
        // First whoever may be waiting to take over; the addresses follow as the worker's last pass.
        let heart = self.shared.heart.clone();
        let _ = tokio::task::spawn_blocking(move || heart.stop(release)).await;
        let (answer, answered) = oneshot::channel();
        let _ = self.shared.inbox.send(Message::Stop { release, answer });
        let released = answered.await.unwrap_or_default();
        running.airwaves.stop();
        self.shared.nanny.stop();
        self.shared.board.journal().note(Happening::AgentStopped { release });
        self.shared.board.journal().close();
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

    /// Has the worker put right what drifts.
    pub(crate) async fn repair(&self, request: RepairRequest) -> Result<Applied, Refusal> {
        let gone = || Refusal::Failed { detail: "the agent is stopping".to_owned() };
        let (answer, answered) = oneshot::channel();
        let message = Message::Repair { rows: request.rows, received: Instant::now(), answer };
        self.inbox.send(message).map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }

    /// Takes orders for real servers, and has the worker make them true.
    pub(crate) async fn take_orders(&self, push: OrdersPush) -> Result<OrdersTaken, Refusal> {
        let gone = || Refusal::Failed { detail: "the agent is stopping".to_owned() };
        if push.director_id != self.identity.director_id {
            let this = self.identity.director_id.clone();
            return Err(Refusal::WrongDirector { meant: push.director_id, this });
        }
        let (nanny, serial) = (self.nanny.clone(), push.orders.serial);
        let placed = tokio::task::spawn_blocking(move || nanny.orders(push.orders)).await;
        placed.map_err(|_| gone())??;
        let (answer, answered) = oneshot::channel();
        self.inbox.send(Message::Look { answer }).map_err(|_| gone())?;
        Ok(OrdersTaken { serial, in_sync: answered.await.map_err(|_| gone())? })
    }

    /// Gives an operator's order to the heartbeat.
    pub(crate) async fn order(&self, request: OrderRequest) -> Result<(), Refusal> {
        let order = match request.order {
            DirectorOrder::SwitchOver => Order::SwitchOver { force: request.force },
            DirectorOrder::TakeOver => Order::TakeOver,
            DirectorOrder::Hold => Order::Hold(true),
            DirectorOrder::Resume => Order::Hold(false),
        };
        tracing::info!(order = ?request.order, force = request.force, "an operator's order");
        let heart = self.heart.clone();
        let followed = tokio::task::spawn_blocking(move || heart.order(order)).await;
        let followed =
            followed.map_err(|_| Refusal::Failed { detail: "the agent is stopping".to_owned() })?;
        let OrderRequest { order, force } = request;
        let refused = followed.err();
        self.board.journal().note(Happening::Order { order, force, refused });
        followed
            .inspect_err(|reason| tracing::info!(%reason, "the order is not followed"))
            .map_err(|reason| Refusal::Order { reason })
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
