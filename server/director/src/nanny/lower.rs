//! From a configuration to questions: whom each check of each real server asks, on which way, and with how much time.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use lvs::health::{Ask, Member, Roster};
use lvs::model::{Monitor, Protocol, ValidCluster, VirtualServer};
use lvs::table::{ServerKey, ServiceKey};
use sha2::{Digest as _, Sha256};

use super::book::Key;
use super::probe::{Asking, Prepared, Programs, Question, Way, prepare, prepare_load};

/// A question with who asks it.
pub(super) type Lowered = (Ask, Key, Arc<Question>, Duration);

/// The questions of all members of a roster.
pub(super) fn questions(cluster: &ValidCluster, roster: &Roster, programs: &Arc<Programs>) -> Vec<Lowered> {
    let active = cluster.cluster().virtual_servers.iter().filter(|server| server.active);
    let mut lowering = Lowering { programs, prepared: BTreeMap::new(), lowered: Vec::new() };
    for server in active {
        let Some(service) = server.key() else { continue };
        let Some(held) = roster.service(&service) else { continue };
        let monitors: BTreeMap<ServerKey, &Monitor> = server
            .real_servers
            .iter()
            .map(|real| (server.server_key(real), real.monitor.as_ref().unwrap_or(&server.monitor)))
            .collect();
        for (key, member) in held.members() {
            let monitor = monitors.get(key).copied().unwrap_or(&server.monitor);
            lowering.member(server, service, *key, false, monitor, member);
        }
        if let Some((key, member)) = held.sorry() {
            lowering.member(server, service, *key, true, &server.monitor, member);
        }
    }
    lowering.lowered
}

/// The place of a question for a server's load among its checks.
pub(super) const LOAD: usize = usize::MAX;

/// The longest that a question for load may take.
const LOAD_TIME: Duration = Duration::from_secs(5);

/// The questions for the load of real servers, by whom they are for, with how often they are asked.
pub(super) fn loads(cluster: &ValidCluster, roster: &Roster, programs: &Arc<Programs>) -> Vec<Lowered> {
    let mut lowered = Vec::new();
    for server in cluster.cluster().virtual_servers.iter().filter(|server| server.active) {
        let Some(service) = server.key() else { continue };
        for real in server.real_servers.iter().filter(|real| real.active) {
            let key = server.server_key(real);
            let held = roster.service(&service).is_some_and(|held| held.member(&key).is_some());
            let monitor = real.monitor.as_ref().unwrap_or(&server.monitor);
            let Some(load) = monitor.load_monitor.as_ref().filter(|_| held) else { continue };
            let asking = Asking { protocol: server.protocol, programs };
            let (asked, port) = prepare_load(&load.source, &asking);
            let target = SocketAddr::new(key.address, port.unwrap_or(key.port));
            let interval = Duration::from_millis(u64::from(load.interval_ms.max(100)));
            let way = Way { source: monitor.source, ..Way::default() };
            let text = serde_json::to_string(&load.source).unwrap_or_default();
            let digest = Sha256::digest(format!("load {text}\n{target} {way:?} {interval:?}"));
            let timeout = interval.min(LOAD_TIME);
            let question = Arc::new(Question { target, way, timeout, asked: Arc::new(asked) });
            let ask = Ask { service, server: key, sorry: false, check: LOAD };
            lowered.push((ask, digest.into(), question, interval));
        }
    }
    lowered
}

struct Lowering<'a> {
    programs: &'a Arc<Programs>,
    /// What is asked of many servers is made ready once.
    prepared: BTreeMap<(String, Protocol), Arc<Prepared>>,
    lowered: Vec<Lowered>,
}

impl Lowering<'_> {
    fn member(
        &mut self,
        server: &VirtualServer,
        service: ServiceKey,
        key: ServerKey,
        sorry: bool,
        monitor: &Monitor,
        member: &Member,
    ) {
        for (place, (check, pace)) in member.policy().checks.iter().enumerate() {
            let interface = check.interface.as_ref().or(monitor.interface.as_ref());
            let way = Way {
                source: check.source.or(monitor.source),
                port: check.source_port.unwrap_or(0),
                mark: check.mark.or(monitor.mark).map_or(0, NonZeroU32::get),
                interface: interface.map(|device| device.interface().to_owned()),
            };
            let port = check.port.or(monitor.port).unwrap_or(key.port);
            let address = check.address.filter(|_| !sorry).unwrap_or(key.address);
            let target = SocketAddr::new(address, port);
            // A check is plain data; it always has a text.
            let text = serde_json::to_string(check).unwrap_or_default();
            let digest = Sha256::new()
                .chain_update(&text)
                .chain_update(format!(
                    "\n{target} {} {:?} {way:?} {}",
                    server.protocol,
                    (pace.timeout, pace.interval, pace.retry_delay),
                    monitor.data_path
                ))
                .finalize();
            let asking = Asking { protocol: server.protocol, programs: self.programs };
            let asked = self.prepared.entry((text, server.protocol));
            let mut asked = Arc::clone(asked.or_insert_with(|| Arc::new(prepare(&check.question, &asking))));
            if monitor.data_path && !sorry {
                let detail = "this version cannot ask through the data path".to_owned();
                asked = Arc::new(Prepared::Impossible { detail });
            }
            if port == 0 && asked.needs_port() {
                let detail = "the service has all ports; name the one that is asked".to_owned();
                asked = Arc::new(Prepared::Impossible { detail });
            }
            let question = Arc::new(Question { target, way, timeout: pace.timeout, asked });
            let ask = Ask { service, server: key, sorry, check: place };
            self.lowered.push((ask, digest.into(), question, pace.interval));
        }
    }
}
