//! The texts that a cluster can be taken out as, so that nobody is locked in.
//!
//! [`export`] is the only way out, for `caribe convert` and the console's downloads. What a kind of file cannot express
//! is refused, all of it at once, by field; what it leaves out without harm is said beside the text.

use std::fmt;
use std::str::FromStr;

use super::{ipvsadm, keepalived, lvs_cf};
use crate::finding::{Code, Finding, Findings};
use crate::model::Cluster;

/// A kind of file that can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportKind {
    /// Piranha's lvs.cf.
    LvsCf,
    /// A keepalived.conf for each director. They hold the cluster's passwords.
    Keepalived,
    /// The table of an active director, as `ipvsadm -R` reads it.
    Ipvsadm,
    /// The cluster as the API shows and accepts it, its passwords in the clear.
    Json,
}

impl ExportKind {
    /// All of them.
    pub const ALL: [ExportKind; 4] =
        [ExportKind::LvsCf, ExportKind::Keepalived, ExportKind::Ipvsadm, ExportKind::Json];

    /// The word on the command line (`--to`) and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            ExportKind::LvsCf => "lvs.cf",
            ExportKind::Keepalived => "keepalived",
            ExportKind::Ipvsadm => "ipvsadm",
            ExportKind::Json => "json",
        }
    }
}

impl fmt::Display for ExportKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that names no [`ExportKind`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown kind of file {0:?}")]
pub struct UnknownExportKind(pub String);

impl FromStr for ExportKind {
    type Err = UnknownExportKind;

    fn from_str(text: &str) -> Result<Self, UnknownExportKind> {
        ExportKind::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| UnknownExportKind(text.to_owned()))
    }
}

/// A cluster as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// One file, or one for each director.
    pub files: Vec<ExportFile>,
    /// What is not in them although the cluster says it; warnings by field.
    pub left_out: Findings,
}

/// A file to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportFile {
    /// What it may be called, without a folder.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// Writes a cluster as another kind of file. Refused are clusters with errors, and what that kind cannot express;
/// errors by field.
pub fn export(cluster: &Cluster, kind: ExportKind) -> Result<Export, Findings> {
    let one = |name: &str, text: String, left_out: Findings| Export {
        files: vec![ExportFile { name: name.to_owned(), text }],
        left_out,
    };
    let mut export = match kind {
        ExportKind::LvsCf => one("lvs.cf", lvs_cf::write(cluster)?, lvs_cf::left_out(cluster)),
        ExportKind::Keepalived => {
            let keepalived::Export { files, findings } = keepalived::write(cluster)?;
            let files = files.into_iter().map(|file| ExportFile { name: file.name, text: file.text });
            Export { files: files.collect(), left_out: findings }
        }
        ExportKind::Ipvsadm => one("ipvsadm.rules", ipvsadm::write(cluster)?, ipvsadm::left_out(cluster)),
        // Maps with text keys and plain values always become JSON.
        ExportKind::Json => {
            let text = serde_json::to_string_pretty(cluster).unwrap_or_default();
            return Ok(one("cluster.json", text + "\n", Findings::new()));
        }
    };
    taken_back(&export.files, kind)?;
    export.left_out.extend(of_ours(cluster));
    Ok(export)
}

/// As [`export`] to an lvs.cf, but lines of the text it came from that the original daemons refuse are written anew or
/// become comments.
pub fn for_daemons(cluster: &Cluster) -> Result<Export, Findings> {
    let mut export = export(cluster, ExportKind::LvsCf)?;
    let text = lvs_cf::for_daemons(cluster)?;
    export.left_out.retain(|finding| finding.code != Code::ExportAsItWas);
    export.files = vec![ExportFile { name: "lvs.cf".to_owned(), text }];
    taken_back(&export.files, ExportKind::LvsCf)?;
    Ok(export)
}

/// Refuses files that are longer than what the readers here take back.
fn taken_back(files: &[ExportFile], kind: ExportKind) -> Result<(), Findings> {
    let too_long = |file: &&ExportFile| match kind {
        ExportKind::LvsCf => lvs_cf::is_too_long(&file.text),
        ExportKind::Keepalived => keepalived::is_too_long(&file.text),
        ExportKind::Ipvsadm => file.text.len() > ipvsadm::TEXT_MAXIMUM,
        ExportKind::Json => false,
    };
    let Some(file) = files.iter().find(too_long) else { return Ok(()) };
    let refused = Finding::field("/virtual_servers", Code::ExportTooLong).with("file", &file.name);
    Err(vec![refused.suggest(ExportKind::Json.as_str())])
}

/// What directors set up on their hosts and what the console asks of people, which no kind of file but our own has words
/// for.
fn of_ours(cluster: &Cluster) -> Findings {
    let mut left_out = Findings::new();
    if !cluster.global.host.is_unset() {
        left_out.push(Finding::field("/global/host", Code::ExportHost).warning());
    }
    if cluster.global.four_eyes {
        left_out.push(Finding::field("/global/four_eyes", Code::ExportFourEyes).warning());
    }
    for (index, server) in cluster.virtual_servers.iter().enumerate() {
        if let Some(mark) = server.mark.filter(|_| !server.marked.is_empty()) {
            let finding = Finding::field(format!("/virtual_servers/{index}/marked"), Code::ExportMarked);
            left_out.push(finding.with("name", &server.name).with("mark", mark).warning());
        }
    }
    left_out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{HostSetup, VirtualServer};

    #[test]
    fn what_is_set_up_on_hosts_is_left_out_and_said() {
        let text = "-A -f 5 -s rr\n-a -f 5 -r 10.0.0.1:0 -m\n";
        let mut cluster = crate::format::read(text, crate::format::FileKind::Ipvsadm).cluster.unwrap();
        let said = |cluster: &Cluster, kind| -> Vec<String> {
            let hosts = |finding: &Finding| {
                matches!(finding.code, Code::ExportHost | Code::ExportMarked).then(|| finding.to_string())
            };
            export(cluster, kind).unwrap().left_out.iter().filter_map(hosts).collect()
        };
        for kind in [ExportKind::Keepalived, ExportKind::Ipvsadm] {
            assert!(said(&cluster, kind).is_empty(), "{kind}");
        }
        cluster.global.host = HostSetup { conntrack: Some(true), ..HostSetup::default() };
        let marked = r#"[{"address":"192.0.2.1","port":80}]"#;
        let server: &mut VirtualServer = &mut cluster.virtual_servers[0];
        server.marked = serde_json::from_str(marked).unwrap();
        for kind in [ExportKind::Keepalived, ExportKind::Ipvsadm] {
            assert_eq!(said(&cluster, kind).len(), 2, "{kind}: {:?}", said(&cluster, kind));
        }
        assert!(said(&cluster, ExportKind::Json).is_empty());
    }

    #[test]
    fn what_no_reader_takes_back_is_refused() {
        let file = |line: &str, count| ExportFile { name: "a".to_owned(), text: line.repeat(count) };
        for (kind, line, count) in [
            (ExportKind::LvsCf, "active = 1\n", 200_000),
            (ExportKind::LvsCf, "virtual a {\n}\n", 40_000),
            (ExportKind::Keepalived, "weight 1\n", 200_000),
        ] {
            assert_eq!(taken_back(&[file(line, count)], kind), Ok(()), "{kind} {line}");
            let refused = taken_back(&[file("", 1), file(line, count + 1)], kind).unwrap_err();
            assert_eq!(refused[0].code, Code::ExportTooLong, "{kind} {line}");
            assert_eq!(taken_back(&[file("# a comment\n", count + 1)], kind), Ok(()), "{kind}");
        }
    }
}
