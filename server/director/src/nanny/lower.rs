//! From a configuration to questions: whom each check of each real server asks, on which way, and with how much time.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use kernel::Door;
use lvs::health::{Ask, Member, Roster};
use lvs::model::{Forwarding, Monitor, Protocol, RealServer, ValidCluster, VirtualServer};
use lvs::table::{ServerKey, ServiceKey};
use sha2::{Digest as _, Sha256};

use super::book::Key;
use super::probe::{Asking, Prepared, Programs, Question, Way, prepare, prepare_load};

/// A question with who asks it.
pub(super) type Lowered = (Ask, Key, Arc<Question>, Duration);

/// The questions of all members of a roster.
pub(super) fn questions(cluster: &ValidCluster, roster: &Roster, programs: &Arc<Programs>) -> Vec<Lowered> {
    let content = cluster.cluster();
    let directors: Vec<IpAddr> =
        content.directors.iter().flat_map(|director| [director.public, director.private]).flatten().collect();
    let active = content.virtual_servers.iter().filter(|server| server.active);
    let mut lowering = Lowering { programs, prepared: BTreeMap::new(), lowered: Vec::new() };
    for server in active {
        let Some(service) = server.key() else { continue };
        let Some(held) = roster.service(&service) else { continue };
        let global = &content.global;
        let reals: BTreeMap<ServerKey, &RealServer> =
            server.real_servers.iter().map(|real| (server.server_key(real), real)).collect();
        for (key, member) in held.members() {
            let real = reals.get(key);
            let monitor = real.and_then(|real| real.monitor.as_ref()).unwrap_or(&server.monitor);
            // The partner's kernel schedules what comes to the virtual address while it is active: that says nothing of it.
            let asked = |real: &&&RealServer| monitor.data_path && !directors.contains(&real.address);
            let forwarding = real.filter(asked).map(|real| real.forwarding_in(global));
            lowering.member(server, service, *key, Of { sorry: false, monitor, forwarding }, member);
        }
        if let Some((key, member)) = held.sorry() {
            let of = Of { sorry: true, monitor: &server.monitor, forwarding: None };
            lowering.member(server, service, *key, of, member);
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
            let question = Arc::new(Question { target, way, timeout, asked: Arc::new(asked), through: None });
            let ask = Ask { service, server: key, sorry: false, check: LOAD };
            lowered.push((ask, digest.into(), question, interval));
        }
    }
    lowered
}

/// Whose questions are made.
#[derive(Clone, Copy)]
struct Of<'a> {
    sorry: bool,
    monitor: &'a Monitor,
    /// How clients' packets come there, where it is to be asked so, too.
    forwarding: Option<Forwarding>,
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
        of: Of<'_>,
        member: &Member,
    ) {
        let Of { sorry, monitor, forwarding } = of;
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
            let through = server.vip.as_ref().zip(forwarding).map(|(vip, forwarding)| {
                // Neither direct routing nor a tunnel changes the port.
                let port = if server.port == 0 { port } else { server.port };
                Door { virtual_address: SocketAddr::new(vip.address, port), server: key.address, forwarding }
            });
            // A check is plain data; it always has a text.
            let text = serde_json::to_string(check).unwrap_or_default();
            let digest = Sha256::new()
                .chain_update(&text)
                .chain_update(format!(
                    "\n{target} {} {:?} {way:?} {through:?}",
                    server.protocol,
                    (pace.timeout, pace.interval, pace.retry_delay),
                ))
                .finalize();
            let asking = Asking { protocol: server.protocol, programs: self.programs };
            let asked = self.prepared.entry((text, server.protocol));
            let mut asked = Arc::clone(asked.or_insert_with(|| Arc::new(prepare(&check.question, &asking))));
            if port == 0 && (asked.needs_port() || through.is_some()) {
                let detail = "the service has all ports; name the one that is asked".to_owned();
                asked = Arc::new(Prepared::Impossible { detail });
            }
            let question = Arc::new(Question { target, way, timeout: pace.timeout, asked, through });
            let ask = Ask { service, server: key, sorry, check: place };
            self.lowered.push((ask, digest.into(), question, pace.interval));
        }
    }
}

#[cfg(test)]
mod tests {
    use lvs::wire::CheckTry;
    use serde_json::{from_value, json};

    use super::*;

    #[test]
    fn real_servers_that_are_no_directors_are_asked_through_the_data_path() {
        let monitor = json!({ "checks": [{ "kind": "http", "port": 8080 }] });
        let tried: CheckTry =
            from_value(json!({ "address": "10.0.0.5", "port": 80, "monitor": monitor })).unwrap();
        let mut content = tried.cluster();
        content.global.forwarding = Forwarding::Direct;
        content.directors = vec![
            from_value(json!({ "name": "a", "seat": "primary", "public": "10.0.0.1" })).unwrap(),
            from_value(json!({ "name": "b", "seat": "backup", "public": "10.0.0.2" })).unwrap(),
        ];
        let service = &mut content.virtual_servers[0];
        let mut partner = service.real_servers[0].clone();
        (partner.id.0, partner.name) = ("rs_b".to_owned(), "b".to_owned());
        partner.address = "10.0.0.2".parse().unwrap();
        service.real_servers.push(partner);
        let vip = service.vip.as_ref().unwrap().address;
        let doors = |data_path: bool| {
            let mut content = content.clone();
            content.virtual_servers[0].monitor.data_path = data_path;
            let cluster = content.validate().unwrap();
            let mut roster = Roster::default();
            let _ = roster.configure(&cluster, &Default::default(), None, &mut || 0, Duration::ZERO);
            let asked = questions(&cluster, &roster, &Arc::new(Programs::default()));
            let keys: Vec<Key> = asked.iter().map(|(_, key, _, _)| *key).collect();
            let doors: Vec<_> =
                asked.iter().map(|(ask, _, question, _)| (ask.server.address, question.through)).collect();
            (keys, doors)
        };
        let (plain, none) = doors(false);
        assert!(none.iter().all(|(_, door)| door.is_none()), "{none:?}");
        let (keys, asked) = doors(true);
        let server: IpAddr = "10.0.0.5".parse().unwrap();
        let door = |of: IpAddr| asked.iter().find(|(address, _)| *address == of).unwrap().1;
        // The port is the service's, wherever else the page is asked.
        let wanted =
            Door { virtual_address: SocketAddr::new(vip, 80), server, forwarding: Forwarding::Direct };
        assert_eq!(door(server), Some(wanted));
        assert_eq!(door("10.0.0.2".parse().unwrap()), None, "the partner");
        assert_eq!(
            keys.iter().zip(&plain).filter(|(one, other)| one != other).count(),
            1,
            "another question"
        );
    }
}
