//! Configurations taken out as files: which, for whom, and what is said about them. The page and the API give the same.
//!
//! A password is in the files only for those who may change it; for others it is left out, and both say so.

use console::Role;
use lvs::format::export::{Export, ExportKind, export};
use lvs::model::RedundancyProtocol;
use lvs::{Cluster, Findings};

use crate::error::Error;
use crate::visit::Member;

/// What is done about passwords.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Secrets {
    /// There are none.
    None,
    /// They are in the files.
    Clear,
    /// They are not, because the reader may not change them.
    Withheld,
}

impl Secrets {
    /// The word in the API and in catalogue keys.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Secrets::None => "none",
            Secrets::Clear => "clear",
            Secrets::Withheld => "withheld",
        }
    }
}

/// The content that is taken out: of the revision that the query names (`?revision=3`), of the running one
/// (`?view=running`), else the caller's draft or what runs.
pub(crate) async fn content(member: &Member, cluster: &str) -> Result<(Cluster, Option<u64>), Error> {
    let running =
        || Error::Missing(console::Missing { thing: console::Thing::Revision, name: "running".to_owned() });
    let query = &member.visit.query;
    if let Some(number) = query.filled("revision") {
        let number: u64 = number.parse().map_err(|_| Error::NotFound)?;
        return Ok((member.console().revision(cluster, number).await?.content, Some(number)));
    }
    if query.get("view") == "running" {
        let revision = member.console().cluster(cluster).await?.running.ok_or_else(running)?;
        return Ok((revision.content, Some(revision.summary.number)));
    }
    let view = member.console().view(&member.actor, cluster).await?;
    Ok((view.content, view.running.filter(|_| !view.draft)))
}

/// Whether a password would be among the files of that reader.
pub(crate) fn secrets(cluster: &Cluster, role: Role) -> Secrets {
    let any = cluster.redundancy.protocol.instances().iter().any(|instance| instance.password.is_some());
    match (any, role >= Role::Editor) {
        (false, _) => Secrets::None,
        (true, true) => Secrets::Clear,
        (true, false) => Secrets::Withheld,
    }
}

/// The files of that kind for that reader, or all that the kind cannot express.
pub(crate) fn files(cluster: &Cluster, kind: ExportKind, role: Role) -> Result<Export, Findings> {
    match (secrets(cluster, role), kind) {
        (Secrets::Withheld, ExportKind::Json) => export(&cluster.clone().masked(), kind),
        (Secrets::Withheld, _) => {
            let mut without = cluster.clone();
            if let RedundancyProtocol::Vrrp(vrrp) = &mut without.redundancy.protocol {
                vrrp.instances.iter_mut().for_each(|instance| instance.password = None);
            }
            export(&without, kind)
        }
        _ => export(cluster, kind),
    }
}
