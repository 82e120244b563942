//! The files administrators bring, and the texts they can take out again.
//!
//! [`read_sources`] takes texts of any kind and gives an [`Outcome`]: a cluster that the console and the API accept,
//! and findings that name file and line. Nothing here opens a file or asks the network. Called by the console's
//! import and by `caribe check`, which so say the same of the same text.

mod collector;
mod detect;
pub mod export;
pub mod ipvsadm;
pub mod keepalived;
mod kind;
pub mod lvs_cf;
pub mod names;
mod places;
mod refusals;
pub mod report;
mod source;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::finding::{Code, Finding, Findings};
use crate::model::Cluster;

pub use detect::detect;
pub use kind::{FileKind, UnknownFileKind};
pub use source::{Outcome, Source};

use collector::Collector;
use detect::Evidence;
use names::Names;

/// What a text was found to say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// The cluster; there exactly when no finding is an error.
    pub cluster: Option<Cluster>,
    /// What is wrong and what was assumed, by line.
    pub findings: Findings,
}

/// How texts are to be read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<'a> {
    /// What kind of text they are; found out by their content where absent.
    pub kind: Option<FileKind>,
    /// Whether everything is an error that the program refused which the text was written for.
    pub strict: bool,
    /// What host names stand for, where somebody looked them up.
    pub names: Option<&'a Names>,
    /// Whether a cluster keeps the text of an lvs.cf it came from, for its comments and its layout.
    pub keep_text: bool,
    /// Texts that a keepalived.conf may include, by their path from its folder; nothing is included where absent.
    pub folder: Option<&'a BTreeMap<String, String>>,
}

/// Reads texts: one, or the nodes of one keepalived cluster. The cluster's own rules are taken in.
///
/// The only way in, for the command line, the console's import and the API. Never fails and never panics; what
/// cannot be used is said by an error among the findings.
pub fn read_sources(sources: &[Source<'_>], options: &Options<'_>) -> Outcome {
    let evidence = evidence(sources);
    let kind = options.kind.or_else(|| kind_together(&evidence)).unwrap_or(FileKind::LvsCf);
    let nobody = Names::default();
    let names = options.names.unwrap_or(&nobody);
    let mut wrong = Collector::default();
    let parts = if kind == FileKind::Keepalived { keepalived::parts(sources) } else { Vec::new() };
    for (index, evidence) in evidence.iter().enumerate() {
        if index > 0 && !kind.takes_several() {
            wrong.add_in(index, Finding::line(1, 1, Code::FilesTogether).with("kind", kind));
        } else if parts.get(index) == Some(&true) {
            // A list of addresses is enough for one.
        } else if let Some(finding) = unknown(evidence, options.kind) {
            let text = sources.get(index).map_or("", |source| source.text);
            if options.strict && options.kind == Some(FileKind::LvsCf) {
                lvs_cf::verdict(text, names).into_iter().for_each(|said| wrong.add_in(index, said));
            }
            wrong.add_in(index, finding);
        }
    }
    if wrong.has_errors() {
        return Outcome::unusable(sources, wrong);
    }
    let Some(first) = sources.first() else { return Outcome::default() };
    match kind {
        FileKind::LvsCf => {
            let read = if options.strict { lvs_cf::read_strict } else { lvs_cf::read_with };
            let mut reading = read(first.text, names);
            if options.keep_text {
                lvs_cf::keep_text(&mut reading, first.text);
            }
            Outcome::of_one(first.name, reading)
        }
        FileKind::Ipvsadm => {
            Outcome::of_one(first.name, ipvsadm::read_with(first.text, names, options.strict))
        }
        FileKind::Keepalived if options.strict => refusals::strict(keepalived::read(sources, options.folder)),
        FileKind::Keepalived => keepalived::read(sources, options.folder),
        FileKind::KeepalivedPaste if options.strict => refusals::strict(keepalived::read_paste(first)),
        FileKind::KeepalivedPaste => keepalived::read_paste(first),
    }
}

/// Reads one text, with what is said about it by line.
pub fn read(text: &str, kind: FileKind) -> Reading {
    let options = Options { kind: Some(kind), ..Options::default() };
    let outcome = read_sources(&[Source { name: "", text }], &options);
    let findings = outcome.findings.into_iter().map(|(_, finding)| finding).collect();
    Reading { cluster: outcome.cluster, findings }
}

/// The host names in texts that an address is needed for, besides `localhost`. Nobody looks them up here; see
/// [`Options::names`].
pub fn host_names(sources: &[Source<'_>], kind: Option<FileKind>) -> BTreeSet<String> {
    let kind = kind.or_else(|| kind_of(sources));
    let of = |source: &Source<'_>| match kind {
        Some(FileKind::LvsCf) => lvs_cf::host_names(source.text),
        Some(FileKind::Ipvsadm) => ipvsadm::host_names(source.text),
        // keepalived takes addresses only.
        Some(FileKind::Keepalived | FileKind::KeepalivedPaste) | None => BTreeSet::new(),
    };
    sources.iter().flat_map(of).collect()
}

/// What to say of a text in which nothing is known to the kind it is to be read as, or to any kind.
fn unknown(evidence: &Evidence, kind: Option<FileKind>) -> Option<Finding> {
    let found = evidence.kind();
    if evidence.is_blank() || kind.map_or(found.is_some(), |kind| evidence.has(kind)) {
        return None;
    }
    let finding = Finding::line(1, 1, Code::FileUnknown)
        .suggest("/etc/sysconfig/ha/lvs.cf | /etc/keepalived/keepalived.conf | ipvsadm -S -n");
    Some(match (kind, found) {
        (Some(kind), Some(found)) => Finding::line(1, 1, Code::FileOtherKind)
            .with("kind", kind)
            .with("found", found)
            .suggest(format!("--from {found}")),
        (Some(kind), None) => finding.with("kinds", kind),
        (None, _) => finding.with("kinds", FileKind::ALL.map(FileKind::as_str).join(", ")),
    })
}

/// The kind that texts look like which belong together; none where nothing tells. Nodes of one cluster are read as
/// files, however much was pasted into one of them.
pub fn kind_of(sources: &[Source<'_>]) -> Option<FileKind> {
    kind_together(&evidence(sources))
}

fn evidence(sources: &[Source<'_>]) -> Vec<Evidence> {
    sources.iter().map(|source| Evidence::of(source.text)).collect()
}

fn kind_together(evidence: &[Evidence]) -> Option<FileKind> {
    if let [one] = evidence {
        return one.kind();
    }
    let mut kinds = evidence.iter().filter_map(Evidence::kind);
    let nodes = |kind| matches!(kind, FileKind::Keepalived | FileKind::KeepalivedPaste);
    kinds.clone().find(|kind| !nodes(*kind)).or_else(|| kinds.next().map(|_| FileKind::Keepalived))
}

/// The text of a file. Old files are Latin-1 now and then; each of their bytes is then a character, but for a byte order
/// mark of UTF-8 before them. [`encode`] is the way back.
pub fn decode(bytes: &[u8]) -> (Cow<'_, str>, Option<Finding>) {
    let Err(error) = std::str::from_utf8(bytes) else {
        return (String::from_utf8_lossy(bytes), None);
    };
    let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
    let before = String::from_utf8_lossy(valid);
    // As in the texts themselves, where a carriage return alone ends a line, too.
    let line_start = before.rfind(['\n', '\r']).map_or(0, |at| at + 1);
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).saturating_add(1);
    let ends = before.matches(['\n', '\r']).count() - before.matches("\r\n").count();
    let line = count(ends);
    let column = count(before.get(line_start..).unwrap_or("").trim_start_matches(MARK).chars().count());
    let (mark, rest) = match bytes.strip_prefix(MARK.encode_utf8(&mut [0; 4]).as_bytes()) {
        Some(rest) => (Some(MARK), rest),
        None => (None, bytes),
    };
    let text: String = mark.into_iter().chain(rest.iter().copied().map(char::from)).collect();
    (Cow::Owned(text), Some(Finding::line(line, column, Code::FileEncoding).warning()))
}

/// The bytes that [`decode`] read as this text from Latin-1; none where a character is not in Latin-1.
pub fn encode(text: &str) -> Option<Vec<u8>> {
    let rest = text.strip_prefix(MARK).unwrap_or(text);
    let mark = text.get(..text.len() - rest.len()).unwrap_or("");
    let rest = rest.chars().map(|c| u8::try_from(c).ok()).collect::<Option<Vec<u8>>>()?;
    Some([mark.as_bytes(), &rest].concat())
}

/// The byte order mark.
const MARK: char = '\u{feff}';

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Place;

    #[test]
    fn old_encodings_are_read_and_said() {
        assert_eq!(decode("é".as_bytes()), (Cow::Borrowed("é"), None));
        let (text, finding) = decode(b"# \xc3\xa9\n# K\xf6ln\n");
        assert_eq!(text, "# Ã©\n# Köln\n");
        assert_eq!(finding.unwrap().place, Place::Line { line: 2, column: 4 });
        let (text, finding) = decode(b"\xef\xbb\xbf# a\r# b\r\n# K\xf6ln\n");
        assert_eq!(text, "\u{feff}# a\r# b\r\n# Köln\n");
        assert_eq!(finding.unwrap().place, Place::Line { line: 3, column: 4 });
        let (_, finding) = decode(b"\xef\xbb\xbf# K\xf6ln\n");
        assert_eq!(finding.unwrap().place, Place::Line { line: 1, column: 4 });
    }

    #[test]
    fn old_encodings_have_a_way_back() {
        for bytes in [&b"# K\xf6ln\xa0\n"[..], b"\xef\xbb\xbf\xff", b"\xef\xbb\xbf\xef\xbb\xbf\xff", b"\x80"]
        {
            let (text, finding) = decode(bytes);
            assert!(finding.is_some());
            assert_eq!(encode(&text).as_deref(), Some(bytes));
        }
        assert_eq!(encode("10 €"), None);
    }

    fn outcome(texts: &[&str], kind: Option<FileKind>) -> (bool, Vec<String>) {
        let names = ["a", "b", "c"];
        let sources: Vec<_> = names.iter().zip(texts).map(|(name, text)| Source { name, text }).collect();
        let outcome = read_sources(&sources, &Options { kind, ..Options::default() });
        let said =
            outcome.findings.iter().map(|(file, f)| format!("{}: {}", outcome.file(*file), f.code.as_str()));
        (outcome.is_usable(), said.collect())
    }

    #[test]
    fn what_nobody_knows_is_not_usable() {
        let refused = |text, kind, code: &str| {
            let (usable, said) = outcome(&[text], kind);
            assert!(!usable && said == [format!("a: {code}")], "{text}: {said:?}");
        };
        let keepalived = "virtual_server 10.0.0.1 80 {\n    delay_loop 6\n}\n";
        let piranha = "primary = 192.0.2.1\n";
        for kind in [None].into_iter().chain(FileKind::ALL.map(Some)) {
            refused("hello world\n", kind, "file-unknown");
            refused("Dear all,\n\nthe virtual server is down = bad.\n", kind, "file-unknown");
        }
        refused(keepalived, Some(FileKind::LvsCf), "file-other-kind");
        refused(keepalived, Some(FileKind::Ipvsadm), "file-other-kind");
        refused(piranha, Some(FileKind::Ipvsadm), "file-other-kind");
        refused(piranha, Some(FileKind::Keepalived), "file-other-kind");
        refused(piranha, Some(FileKind::KeepalivedPaste), "file-other-kind");
    }

    #[test]
    fn the_original_is_heard_on_a_text_in_which_nothing_is_known() {
        let sources = [Source { name: "a", text: "# c\n\nfoo = 1\n" }];
        let options = Options { kind: Some(FileKind::LvsCf), strict: true, ..Options::default() };
        let findings = read_sources(&sources, &options).findings;
        let said: Vec<_> = findings.iter().map(|(_, f)| (f.code.as_str(), f.place.clone())).collect();
        let line = |line| Place::Line { line, column: 1 };
        assert!(said.contains(&("original-word", line(3))), "{said:?}");
        assert!(said.contains(&("file-unknown", line(1))), "{said:?}");
    }

    #[test]
    fn only_nodes_of_keepalived_come_in_several_files() {
        let piranha = "primary = 192.0.2.1\n";
        let (usable, said) = outcome(&[piranha, piranha], None);
        assert!(!usable && said == ["b: files-together"], "{said:?}");
        let (usable, said) = outcome(&[piranha, "vrrp_instance x {\n}\n"], None);
        assert!(!usable && said == ["b: files-together"], "{said:?}");
    }

    #[test]
    fn what_keepalived_refuses_is_an_error_when_strict_and_comes_first() {
        let text = "virtual_server 192.0.2.80 80 {\n    protocol TCP\n    persistence_timeout 0\n    lb_algo RR\n    lb_kind NAT\n    \
                    real_server 10.0.0.1 80 {\n        weight 1\n        TCP_CHECK {\n        }\n    }\n}\n";
        let sources = [Source { name: "a", text }];
        let read = |strict| read_sources(&sources, &Options { strict, ..Options::default() });
        let (lenient, strict) = (read(false), read(true));
        assert!(lenient.is_usable() && !strict.is_usable() && strict.cluster.is_none());
        let first = strict.findings.first().map(|(_, finding)| (finding.severity, &finding.place));
        let at = Place::Line { line: 3, column: 25 };
        assert_eq!(first, Some((crate::finding::Severity::Error, &at)));
        assert_eq!(strict.findings.len(), lenient.findings.len());
    }

    #[test]
    fn a_part_of_a_keepalived_conf_need_not_look_like_one() {
        let whole = "vrrp_instance VI {\n    interface eth0\n    virtual_router_id 51\n    virtual_ipaddress {\n        \
                     include addresses.conf\n    }\n}\n";
        let part = "192.0.2.1/24\n192.0.2.2/24\n";
        let sources = [Source { name: "addresses.conf", text: part }, Source { name: "a.conf", text: whole }];
        for kind in [None, Some(FileKind::Keepalived)] {
            let outcome = read_sources(&sources, &Options { kind, ..Options::default() });
            let cluster = outcome.cluster.unwrap_or_else(|| panic!("{:?}", outcome.findings));
            assert_eq!(cluster.redundancy.addresses.len(), 2);
        }
    }

    #[test]
    fn nodes_of_one_cluster_are_read_together() {
        let node = |id: &str, priority: u8| {
            format!(
                "global_defs {{\n    router_id {id}\n}}\nvrrp_instance VI {{\n    state BACKUP\n    interface eth0\n    \
                 virtual_router_id 51\n    priority {priority}\n    virtual_ipaddress {{\n        192.0.2.80\n    }}\n}}\n"
            )
        };
        let (first, second) = (node("one", 90), node("two", 100));
        let sources = [Source { name: "a", text: &first }, Source { name: "b", text: &second }];
        assert_eq!(kind_of(&sources), Some(FileKind::Keepalived));
        let cluster = read_sources(&sources, &Options::default()).cluster.unwrap();
        let seats: Vec<_> = cluster.directors.iter().map(|d| (d.name.as_str(), d.seat.as_str())).collect();
        assert!(seats.contains(&("two", "primary")) && seats.contains(&("one", "backup")), "{seats:?}");
    }
}
