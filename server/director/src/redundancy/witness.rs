//! The console as a witness: asked, whenever the heartbeat wants to know, whether it hears the partner say that it is
//! active.
//!
//! A console on a machine that is a director of the cluster is no witness: it would be cut off, or dead, together with
//! it. An answer that does not come in time is none. Runs beside the async runtime's other tasks; the heartbeat thread
//! only puts a question down here.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper::Method;
use lvs::failover::Moment;
use lvs::wire::{State, Witnessed};
use tokio::sync::watch;

use crate::agent::Shared;
use crate::dial::{self, Address, DialError};
use crate::renew::console_tls;
use crate::trust::TlsError;

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(1);
/// An answer has some dozen bytes.
const LIMIT: usize = 4096;

/// Where the newest question lies.
pub(super) type Inquiries = watch::Sender<Option<Inquiry>>;

/// A question to the console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Inquiry {
    /// When it was asked.
    pub(super) asked: Moment,
    /// Addresses of the cluster's own machines: a console there is no witness.
    pub(super) machines: BTreeSet<IpAddr>,
}

#[derive(Debug, thiserror::Error)]
enum InquiryError {
    #[error(transparent)]
    Console(#[from] DialError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("it did not answer within {} ms", PATIENCE.as_millis())]
    Late,
}

/// Asks the console whenever the heartbeat wants it asked; ends with the agent.
pub(crate) async fn run(shared: Arc<Shared>) {
    let mut inquiries = shared.heart.inquiries();
    let mut silent = false;
    while inquiries.changed().await.is_ok() {
        let Some(inquiry) = inquiries.borrow_and_update().clone() else { continue };
        let asked = inquiry.asked;
        let answer = match tokio::time::timeout(PATIENCE, ask(&shared, inquiry)).await {
            Ok(answer) => answer,
            Err(_) => Err(InquiryError::Late),
        };
        let active = match answer {
            Ok(active) => {
                tracing::info!(active, "the console was asked for the partner");
                Some(active)
            }
            Err(error) if silent => {
                tracing::debug!(reason = %dial::in_words(&error), "the console is no witness");
                None
            }
            Err(error) => {
                tracing::info!(reason = %dial::in_words(&error), "the console is no witness");
                None
            }
        };
        silent = active.is_none();
        shared.heart.witnessed(asked, active);
    }
}

async fn ask(shared: &Shared, inquiry: Inquiry) -> Result<bool, InquiryError> {
    let address = Address::parse(&shared.identity.console)?;
    let tls = console_tls(shared)?;
    let trusted = move |here: SocketAddr, there: SocketAddr| is_elsewhere(&inquiry.machines, here, there);
    let path = "/agent/v1/witness";
    let answer: Witnessed =
        dial::request_to(&address, tls, Method::GET, path, None::<&()>, LIMIT, &trusted).await?;
    Ok(answer.partner.state == State::Active)
}

/// Whether the console at the other end runs on none of the cluster's machines.
fn is_elsewhere(machines: &BTreeSet<IpAddr>, here: SocketAddr, there: SocketAddr) -> bool {
    let console = there.ip().to_canonical();
    !console.is_loopback() && console != here.ip().to_canonical() && !machines.contains(&console)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_console_on_a_director_of_the_cluster_is_no_witness() {
        let machines: BTreeSet<IpAddr> =
            ["192.0.2.1", "192.0.2.2", "192.0.2.80"].map(|text| text.parse().unwrap()).into();
        let judged = |console: &str| {
            let there = SocketAddr::new(console.parse().unwrap(), 3636);
            is_elsewhere(&machines, "192.0.2.9:40000".parse().unwrap(), there)
        };
        for own in ["127.0.0.1", "::1", "192.0.2.2", "192.0.2.80", "::ffff:192.0.2.1", "192.0.2.9"] {
            assert!(!judged(own), "{own}");
        }
        assert!(judged("192.0.2.50"));
    }
}
