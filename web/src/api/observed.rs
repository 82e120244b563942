//! `…/vips`, `…/probes`, `…/problems`: who holds the virtual addresses, what the checks of all directors say, and what
//! is wrong. All of what directors reported last; nothing here asks one.

use std::net::IpAddr;

use axum::extract::Path;
use axum::response::Response;
use console::{ProblemOf, problems, virtual_addresses};
use jiff::Timestamp;
use lvs::Cluster;
use lvs::table::ServerKey;
use schemars::JsonSchema;
use serde::Serialize;

use super::health::{self, HealthLine};
use super::request::{listed, ok};
use crate::error::Error;
use crate::problems::sentence;
use crate::screens::objects::virtual_server;
use crate::visit::Member;

/// A virtual server by its names.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ServiceName")]
struct NameShape {
    id: String,
    name: String,
}

/// A virtual address with who holds it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "VirtualAddress")]
pub(super) struct VipShape {
    address: IpAddr,
    /// Prefix length as programmed; null where it has no device here.
    prefix: Option<u8>,
    /// Interface with its label.
    device: Option<String>,
    /// `virtual-server`, `nat-router`, `further`.
    uses: Vec<&'static str>,
    /// What is reached by it.
    virtual_servers: Vec<NameShape>,
    /// `held`: one director holds it; `several` say so; `nobody`: all answer and none holds it; `unknown`: not all
    /// answer; `unmanaged`: it has no device here.
    state: &'static str,
    /// The director that holds it, where it is one.
    owner: Option<String>,
    /// All that say they hold it.
    holders: Vec<String>,
}

/// What runs; nothing where nothing was ever activated.
async fn running(member: &Member, cluster: &str) -> Result<Cluster, Error> {
    let found = member.console().cluster(cluster).await?;
    Ok(found.running.map(|running| running.content.masked()).unwrap_or_default())
}

/// `GET …/vips`
pub(super) async fn vips(member: Member, Path(cluster): Path<String>) -> Result<Response, Error> {
    let content = running(&member, &cluster).await?;
    let live = member.console().live(&cluster).await?;
    let shape = |one: console::VirtualAddress| {
        let (prefix, device) = one.place.unzip();
        let owner = one.holders.first().filter(|_| one.holders.len() == 1).cloned();
        VipShape {
            address: one.address,
            prefix,
            device,
            uses: one.uses.iter().map(|used| used.as_str()).collect(),
            virtual_servers: one.services.into_iter().map(|(id, name)| NameShape { id, name }).collect(),
            state: one.state.as_str(),
            owner,
            holders: one.holders,
        }
    };
    let all = virtual_addresses(&content, &live).into_iter();
    let items = all.map(|one| (one.address.to_string(), shape(one))).collect();
    Ok(ok(listed(&member.visit, items)?))
}

/// What all directors' checks say of one real server of one virtual server.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Probe")]
pub(super) struct ProbeShape {
    virtual_server: NameShape,
    real_server: NameShape,
    server: ServerKey,
    directors: Vec<HealthLine>,
}

/// `GET …/probes?service=`: real servers of what runs, in the configured order.
pub(super) async fn probes(member: Member, Path(cluster): Path<String>) -> Result<Response, Error> {
    let content = running(&member, &cluster).await?;
    let live = member.console().live(&cluster).await?;
    let only = match member.visit.query.filled("service") {
        Some(key) => Some(virtual_server(&content, key)?.1.id.clone()),
        None => None,
    };
    let mut items = Vec::new();
    let wanted = |id| only.as_ref().is_none_or(|only| only == id);
    for service in content.virtual_servers.iter().filter(|service| wanted(&service.id)) {
        for real in &service.real_servers {
            let server = service.server_key(real);
            let view = |director| health::view(member.language(), director, service.key(), server);
            let shape = ProbeShape {
                virtual_server: NameShape { id: service.id.0.clone(), name: service.name.clone() },
                real_server: NameShape { id: real.id.0.clone(), name: real.name.clone() },
                server,
                directors: live.directors.iter().map(view).collect(),
            };
            items.push((format!("{}/{}", service.id, real.id), shape));
        }
    }
    Ok(ok(listed(&member.visit, items)?))
}

/// Something that is wrong now.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ClusterProblem")]
pub(super) struct ProblemLine {
    /// Stable word.
    kind: &'static str,
    /// Whether clients notice it, or may at any moment.
    critical: bool,
    /// In the language asked for.
    text: String,
    director: Option<String>,
    virtual_server: Option<NameShape>,
    real_server: Option<NameShape>,
    /// When a certificate ends, or since when it is so.
    at: Option<String>,
}

/// `GET …/problems`: the worst first.
pub(super) async fn wrong(member: Member, Path(cluster): Path<String>) -> Result<Response, Error> {
    let content = running(&member, &cluster).await?;
    let live = member.console().live(&cluster).await?;
    let all = problems(&content, &live, Timestamp::now().as_second());
    let items = all.iter().map(|problem| {
        let (mut director, mut service_name, mut real_server) = (None, None, None);
        let name = |id: &String, name: &String| Some(NameShape { id: id.clone(), name: name.clone() });
        match &problem.of {
            ProblemOf::Cluster => {}
            ProblemOf::Director(name) => director = Some(name.clone()),
            ProblemOf::Service(id, of) => service_name = name(id, of),
            ProblemOf::Server { service_id, service, id, name: of } => {
                (service_name, real_server) = (name(service_id, service), name(id, of));
            }
        }
        let line = ProblemLine {
            kind: problem.kind.as_str(),
            critical: problem.kind.is_critical(),
            text: sentence(member.language().into(), problem),
            director,
            virtual_server: service_name,
            real_server,
            at: problem.at_s.and_then(|at| Timestamp::from_second(at).ok()).map(|at| at.to_string()),
        };
        (problem.key(), line)
    });
    Ok(ok(listed(&member.visit, items.collect())?))
}
