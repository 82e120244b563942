//! The picture of a cluster: clients, virtual servers, directors, real servers, and who passes what to whom.
//!
//! Pure: content and live state become boxes and lines with whole coordinates; nothing is asked here.

use std::collections::BTreeMap;
use std::net::IpAddr;

use console::{LiveCluster, LiveDirector};
use lvs::Cluster;
use lvs::health::Verdict;
use lvs::model::VirtualServer;

use crate::evidence::Look;
use crate::locale::Locale;
use crate::screens::monitoring::DirectorCard;
use crate::screens::server_state::status;

/// Boxes of one column, at most; a picture of more could not be read.
const MOST: usize = 40;
/// Height of a box, and from one to the next.
const BOX: usize = 48;
const ROW: usize = 60;
/// Where each column begins, and how wide its boxes are.
const COLUMNS: [(usize, usize); 4] = [(8, 96), (176, 240), (488, 180), (740, 240)];
/// Room for words in a box, in halves of a wide character.
const WORDS: usize = 30;

/// A box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) x: usize,
    pub(crate) y: usize,
    pub(crate) width: usize,
    pub(crate) tone: &'static str,
    /// Its name, cut to the box, and whole.
    pub(crate) short: String,
    pub(crate) name: String,
    /// Address and state.
    pub(crate) detail: String,
    pub(crate) href: Option<String>,
}

/// A line from one box to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Edge {
    pub(crate) path: String,
    /// Whether anything goes this way now.
    pub(crate) live: bool,
}

/// One virtual server in the table.
#[derive(Clone)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) href: String,
    pub(crate) key: String,
    pub(crate) director: Option<String>,
    pub(crate) servers: Vec<(String, String, Option<Look>)>,
}

/// The picture, and the same as a table.
#[derive(Clone)]
pub(crate) struct Topology {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) nodes: Vec<Node>,
    pub(crate) edges: Vec<Edge>,
    pub(crate) rows: Vec<Row>,
    /// Boxes that are left out: virtual servers and machines.
    pub(crate) more: (usize, usize),
}

/// Cut to a width; letters as wide as two count as two.
fn cut(text: &str, most: usize) -> String {
    let wide = |c: char| if u32::from(c) >= 0x1100 { 2 } else { 1 };
    if text.chars().map(wide).sum::<usize>() <= most {
        return text.to_owned();
    }
    let mut left = most.saturating_sub(1);
    let fits = |c: &char| {
        let fits = wide(*c) <= left;
        left = left.saturating_sub(wide(*c));
        fits
    };
    let mut short: String = text.chars().take_while(fits).collect();
    short.push('…');
    short
}

/// Where the boxes of a column of so many stand, in the middle of the picture.
fn tops(count: usize, height: usize) -> impl Iterator<Item = usize> {
    let first = height.saturating_sub(count * ROW).div_euclid(2) + (ROW - BOX) / 2;
    (0..count).map(move |index| first + index * ROW)
}

fn edge(from: &Node, to: &Node, live: bool) -> Edge {
    let (x1, y1) = (from.x + from.width, from.y + BOX / 2);
    let (x2, y2) = (to.x, to.y + BOX / 2);
    let middle = (x1 + x2) / 2;
    Edge { path: format!("M{x1} {y1}C{middle} {y1} {middle} {y2} {x2} {y2}"), live }
}

struct Column {
    x: usize,
    width: usize,
}

impl Column {
    fn node(&self, y: usize, tone: &'static str, name: &str, detail: String, href: Option<String>) -> Node {
        let short = cut(name, if self.width < 200 { WORDS * 2 / 3 } else { WORDS });
        let detail = cut(&detail, if self.width < 200 { WORDS * 4 / 5 } else { WORDS + 5 });
        Node { x: self.x, y, width: self.width, tone, short, name: name.to_owned(), detail, href }
    }
}

/// The worst of many: down, then unknown, then up.
fn worst(looks: &[&'static str]) -> &'static str {
    ["bad", "warn", "accent", "good"].into_iter().find(|tone| looks.contains(tone)).unwrap_or("idle")
}

/// A machine with what is known of it in each virtual server.
#[derive(Default)]
struct Machine {
    name: String,
    tones: Vec<&'static str>,
    words: Vec<String>,
}

impl Topology {
    pub(crate) fn of(locale: Locale, base: &str, content: &Cluster, live: &LiveCluster) -> Self {
        let witness =
            live.active().or_else(|| live.directors.iter().find(|d| d.connected && d.checks.is_some()));
        let seen = |service: &VirtualServer, real: &lvs::model::RealServer| {
            let known = status(witness?, service.key(), service.server_key(real))?;
            Some((known.verdict, Look::of(locale, known.verdict)))
        };
        let mut machines: BTreeMap<IpAddr, Machine> = BTreeMap::new();
        let mut rows = Vec::new();
        let services: Vec<&VirtualServer> = content.virtual_servers.iter().collect();
        let mut service_words = Vec::new();
        for service in &services {
            let mut servers = Vec::new();
            let (mut up, mut known) = (0, 0);
            for real in &service.real_servers {
                let machine = machines.entry(real.address).or_default();
                if machine.name.is_empty() {
                    machine.name.clone_from(&real.name);
                }
                let look = seen(service, real);
                if let Some((verdict, look)) = &look {
                    known += 1;
                    up += usize::from(*verdict == Verdict::Up);
                    machine.tones.push(look.tone);
                    machine.words.push(look.word.clone());
                }
                let href = format!("{base}/virtual-servers/{}/real-servers/{}/state", service.id, real.id);
                servers.push((real.name.clone(), href, look.map(|(_, look)| look)));
            }
            let tone = match (service.active, known, up) {
                (false, ..) | (true, 0, _) => "idle",
                (true, _, 0) => "bad",
                (true, known, up) if up < known => "warn",
                _ => "good",
            };
            let word = match (service.active, known) {
                (false, _) => locale.say("status-off").to_string(),
                (true, 0) => locale.say("topology-unchecked").to_string(),
                _ => locale
                    .say("topology-up")
                    .with("up", up)
                    .with("all", service.real_servers.len())
                    .to_string(),
            };
            service_words.push((tone, word));
            rows.push(Row {
                name: service.name.clone(),
                href: format!("{base}/virtual-servers/{}", service.id),
                key: service.key().map(|key| key.to_string()).unwrap_or_default(),
                director: live.active().filter(|_| service.active).map(|director| director.name.clone()),
                servers,
            });
        }
        let shown = services.len().min(MOST);
        let more = (services.len() - shown, machines.len().saturating_sub(MOST));
        let addresses: Vec<IpAddr> = machines.keys().copied().take(MOST).collect();
        let tallest = shown.max(addresses.len()).max(live.directors.len()).max(1);
        let height = tallest * ROW;
        let [clients, vips, directors, servers] = COLUMNS.map(|(x, width)| Column { x, width });

        let client = clients.node(
            tops(1, height).next().unwrap_or(0),
            "idle",
            &locale.say("topology-clients").to_string(),
            String::new(),
            None,
        );
        let service_nodes: Vec<Node> = services
            .iter()
            .zip(&service_words)
            .zip(&rows)
            .zip(tops(shown, height))
            .map(|(((service, (tone, word)), row), y)| {
                vips.node(y, tone, &service.name, format!("{} · {word}", row.key), Some(row.href.clone()))
            })
            .collect();
        let director_node = |(director, y): (&LiveDirector, usize)| {
            let card = DirectorCard::of(locale, director);
            directors.node(
                y,
                card.tone,
                &director.name,
                card.state,
                Some(format!("{base}/directors/{}", director.name)),
            )
        };
        let director_nodes: Vec<Node> =
            live.directors.iter().zip(tops(live.directors.len(), height)).map(director_node).collect();
        let machine_nodes: Vec<Node> = machines
            .iter()
            .zip(tops(addresses.len(), height))
            .map(|((address, machine), y)| {
                let tone = worst(&machine.tones);
                let word =
                    machine.tones.iter().position(|one| *one == tone).and_then(|at| machine.words.get(at));
                let word = word.cloned().unwrap_or_else(|| locale.say("topology-unchecked").to_string());
                let href = format!("{base}/machines#{}", crate::screens::machines::place_of(*address));
                servers.node(y, tone, &machine.name, format!("{address} · {word}"), Some(href))
            })
            .collect();

        let mut edges = Vec::new();
        for (node, service) in service_nodes.iter().zip(&services) {
            let passes = live.active().is_some() && service.active;
            edges.push(edge(&client, node, passes));
            for (director, to) in live.directors.iter().zip(&director_nodes) {
                edges.push(edge(node, to, passes && director.connected && director.is_active()));
            }
        }
        for (director, from) in live.directors.iter().zip(&director_nodes) {
            for to in &machine_nodes {
                edges.push(edge(from, to, director.connected && director.is_active() && to.tone != "bad"));
            }
        }
        // What is used is drawn over what is not.
        edges.sort_by_key(|edge| edge.live);
        let nodes = [vec![client], service_nodes, director_nodes, machine_nodes].concat();
        let width = COLUMNS.last().map_or(0, |(x, width)| x + width + 8);
        Topology { width, height, nodes, edges, rows, more }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_to_their_box() {
        assert_eq!(cut("short", 10), "short");
        assert_eq!(cut("exactly-10", 10), "exactly-10");
        assert_eq!(cut("longer-than-ten", 10), "longer-th…");
        assert_eq!(cut("虚拟服务器一号", 10), "虚拟服务…");
    }

    #[test]
    fn columns_stand_in_the_middle_and_boxes_never_overlap() {
        let tops: Vec<usize> = tops(3, 600).collect();
        assert_eq!(tops, [216, 276, 336]);
        assert!(COLUMNS.windows(2).all(|pair| pair[0].0 + pair[0].1 < pair[1].0));
    }

    #[test]
    fn a_cluster_that_nothing_is_known_of_is_drawn_as_unknown() {
        let content: Cluster = serde_json::from_value(serde_json::json!({
            "name": "web",
            "virtual_servers": [{
                "name": "www", "vip": { "address": "192.0.2.1" }, "port": 80,
                "real_servers": [{ "name": "one", "address": "10.0.0.1" }, { "name": "two", "address": "10.0.0.2" }],
            }],
        }))
        .unwrap();
        let live = LiveCluster { running: Some(1), directors: Vec::new() };
        let picture = Topology::of(Locale::default(), "/clusters/x", &content, &live);
        assert_eq!(picture.nodes.len(), 4);
        assert!(picture.nodes.iter().all(|node| node.tone == "idle"), "{:?}", picture.nodes);
        assert!(picture.edges.iter().all(|edge| !edge.live));
        assert_eq!((picture.rows[0].director.as_deref(), picture.rows[0].servers.len()), (None, 2));
        assert!(picture.nodes.iter().all(|node| node.y + BOX <= picture.height));
    }
}
