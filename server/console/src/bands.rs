//! What a real server was over the last day and the last week, in the eyes of each director.
//!
//! Reads the event log and lets `lvs::health::band` make parts of it. A server that was renamed loses the orders that were
//! given under its old name. Called by the page of a real server and by the API.

use lvs::health::{Band, Known, OrderEnd, Turn, band};
use lvs::journal::Happening;
use lvs::model::{RealServer, VirtualServer};

use crate::clusters::find;
use crate::{Console, Error, LiveCluster, LiveDirector, LoggedEvent};

/// Events of one director that are read at most, and orders.
const MOST: u32 = 5_000;
/// A day and a week, seconds.
const LENGTHS: [i64; 2] = [86_400, 7 * 86_400];

/// What a real server was, by one director.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerBands {
    /// The director's name.
    pub director: String,
    /// The last 24 hours.
    pub day: Band,
    /// The last seven days.
    pub week: Band,
}

fn turn(what: &Happening, machine: &str) -> Option<Turn> {
    match what {
        Happening::Verdict { from, to, .. } => Some(Turn::Verdict { from: *from, to: *to }),
        Happening::Ordered { server, instruction, .. } => {
            Some(Turn::Ordered { machine: server == machine, instruction: *instruction })
        }
        Happening::OrderCame { end: OrderEnd::Ended, .. } => Some(Turn::Ended),
        Happening::AgentStarted { .. } => Some(Turn::Runs(true)),
        Happening::AgentStopped { .. } => Some(Turn::Runs(false)),
        _ => None,
    }
}

fn known(live: &LiveDirector, service: &VirtualServer, real: &RealServer) -> Known {
    let said = || {
        let services = live.checks.as_ref()?;
        let status = services.get(&service.key()?)?.servers.get(&service.server_key(real))?;
        Some((status.verdict, status.since_s))
    };
    Known { verdict: said(), lost_s: (!live.connected).then(|| live.since.as_second()) }
}

impl Console {
    /// The bands of a real server of what runs in a cluster (by id or name), up to now; one of each director that has
    /// joined.
    pub async fn server_bands(
        &self,
        cluster: &str,
        service: &VirtualServer,
        real: &RealServer,
        live: &LiveCluster,
    ) -> Result<Vec<ServerBands>, Error> {
        let Some(key) = service.key() else { return Ok(Vec::new()) };
        let keys = (key.to_string(), service.server_key(real).to_string());
        let own = format!("{} / {}", service.name, real.name);
        let machine = real.address.to_string();
        let end = self.now();
        let [day, week] = LENGTHS.map(|length| end - length..end);
        let mut tx = self.inner.store.read().await?;
        let found = find(&mut tx, cluster).await?;
        let orders = tx.orders_of(&found.id, &[&own, &machine], MOST).await?;
        let mut bands = Vec::new();
        for director in live.directors.iter().filter(|director| director.id.is_some()) {
            let since_ms = week.start.saturating_mul(1000);
            let keys = (keys.0.as_str(), keys.1.as_str());
            let told = tx.events_of_server(&found.id, &director.name, keys, since_ms, MOST).await?;
            let all = orders.iter().cloned().chain(told).map(LoggedEvent::from);
            let mut turns: Vec<(i64, Turn)> =
                all.filter_map(|event| Some((event.at.as_second(), turn(&event.what, &machine)?))).collect();
            turns.sort_by_key(|(at, _)| *at);
            let known = known(director, service, real);
            bands.push(ServerBands {
                director: director.name.clone(),
                day: band(day.clone(), &turns, known),
                week: band(week.clone(), &turns, known),
            });
        }
        Ok(bands)
    }
}
