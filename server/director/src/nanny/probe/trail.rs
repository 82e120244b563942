//! What a probe leaves behind while it runs: where it is, how long each part took, what was sent and what came back.
//!
//! Kept bounded, whatever the other side sends. It is read when the probe ends, also when its time ends it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lvs::health::Phase;

/// Bytes that are kept of what came back, and of what was sent.
pub(crate) const KEPT: usize = 512;

/// The trail of one probe. Clones are the same trail.
#[derive(Clone, Debug)]
pub(super) struct Trail(Arc<Mutex<Marks>>);

/// What was noted.
#[derive(Clone, Debug)]
pub(crate) struct Marks {
    pub(crate) began: Instant,
    /// What is being waited for.
    pub(crate) phase: Phase,
    /// Our side's address.
    pub(crate) source: Option<SocketAddr>,
    pub(crate) connect: Option<Duration>,
    pub(crate) tls: Option<Duration>,
    pub(crate) first_byte: Option<Duration>,
    pub(crate) total: Duration,
    /// The first of the bytes sent, and how many there were.
    pub(crate) sent: Vec<u8>,
    pub(crate) sent_bytes: u64,
    /// The first of the bytes received, and how many there were.
    pub(crate) received: Vec<u8>,
    pub(crate) received_bytes: u64,
    /// When the server's certificate ends, seconds since 1970.
    pub(crate) certificate_ends_s: Option<i64>,
}

impl Trail {
    pub(super) fn new() -> Self {
        Trail(Arc::new(Mutex::new(Marks {
            began: Instant::now(),
            phase: Phase::Connect,
            source: None,
            connect: None,
            tls: None,
            first_byte: None,
            total: Duration::ZERO,
            sent: Vec::new(),
            sent_bytes: 0,
            received: Vec::new(),
            received_bytes: 0,
            certificate_ends_s: None,
        })))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Marks> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The transport stands.
    pub(super) fn connected(&self, source: Option<SocketAddr>) {
        let mut marks = self.lock();
        marks.connect = Some(marks.began.elapsed());
        marks.source = source;
        marks.phase = Phase::FirstByte;
    }

    /// The TLS handshake begins.
    pub(super) fn securing(&self) {
        self.lock().phase = Phase::Tls;
    }

    /// The TLS handshake is done; the time is the handshake's alone.
    pub(super) fn secured(&self) {
        let mut marks = self.lock();
        marks.tls = Some(marks.began.elapsed().saturating_sub(marks.connect.unwrap_or_default()));
        marks.phase = Phase::FirstByte;
    }

    /// The server has answered; now it is asked through the data path.
    pub(super) fn through(&self) {
        self.lock().phase = Phase::DataPath;
    }

    /// So many bytes were sent.
    pub(super) fn sent(&self, bytes: &[u8]) {
        let mut marks = self.lock();
        marks.sent_bytes = marks.sent_bytes.saturating_add(bytes.len() as u64);
        keep(&mut marks.sent, bytes);
    }

    /// So many bytes came back.
    pub(super) fn received(&self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let mut marks = self.lock();
        if marks.first_byte.is_none() {
            marks.first_byte = Some(marks.began.elapsed());
            marks.phase = Phase::Total;
        }
        marks.received_bytes = marks.received_bytes.saturating_add(bytes.len() as u64);
        keep(&mut marks.received, bytes);
    }

    /// The end of the probe.
    pub(super) fn end(&self) -> Marks {
        let mut marks = self.lock();
        marks.total = marks.began.elapsed();
        marks.clone()
    }
}

fn keep(kept: &mut Vec<u8>, bytes: &[u8]) {
    let room = KEPT.saturating_sub(kept.len());
    kept.extend(bytes.iter().take(room));
}
