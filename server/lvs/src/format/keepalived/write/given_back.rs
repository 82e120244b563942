//! What was put aside when a keepalived.conf was read, put back where it stood.
//!
//! Texts that were put aside are somebody else's: each is read again, and only what is whole and known in its place
//! is written as it is. Everything else, such as a text whose password is masked, becomes comments. Called by the
//! writers of blocks.

use std::collections::{BTreeMap, BTreeSet};

use crate::finding::{Code, Finding};
use crate::format::collector::Collector;
use crate::format::keepalived::kept::PREFIX;
use crate::format::keepalived::reader::Reader;
use crate::format::keepalived::services::GROUP;
use crate::format::keepalived::syntax_blocks::{Blocks, Mode};
use crate::format::keepalived::syntax_line::Line;
use crate::format::keepalived::syntax_words::Block;
use crate::format::keepalived::tree::{FileIndex, Statement};
use crate::format::keepalived::values;
use crate::format::lvs_cf::KEPT_TEXT;
use crate::model::{Device, MASK, Vip};
use crate::table::Family;

use super::Said;
use super::page::Page;

/// Words that are not given back: releases 2.2 and 2.3 of keepalived do not all know them, or stumble over the way in
/// which they were given, or their meaning is in the file already.
const NOT_GIVEN_BACK: [&[&str]; 4] = [
    // Gone, or only in some builds.
    &[
        "debug",
        "email_faults",
        "genhash",
        "hashed",
        "iptables",
        "linkbeat_use_polling",
        "lvs_id",
        "lvs_sync_daemon_inteface",
        "namespace_with_ipsets",
        "nat_mask",
        "native_ipv6",
        "nb_get_retry",
        "net_namespace",
        "net_namespace_ipvs",
        "notify_priority_changes",
        "process_names",
        "prometheus",
        "script_security",
        "use_pid_dir",
        "vrrp_ipsets",
        "vrrp_iptables",
    ],
    // Newer than 2.2.
    &[
        "auth_hmac",
        "config_copy_directory",
        "dbus_no_interface_name",
        "garp_group",
        "include_check",
        "json_dump_file",
        "json_version",
        "keep_script_stdin",
        "owner_ignore_adverts",
        "plugin_dir",
        "state_dump_file",
        "stats_dump_file",
        "timeout_sync_group",
        "tls_compliant",
        "tmp_config_directory",
        "track_group",
        "v3_checksum_as_v2",
        "vmac_addr",
    ],
    // Whole blocks that keepalived itself would have dropped.
    &[
        "real_server",
        "virtual_server",
        "vrrp_instance",
        "vrrp_sync_group",
        "DNS_CHECK",
        "HTTP_GET",
        "MISC_CHECK",
        "PING_CHECK",
        "SMTP_CHECK",
        "SSL_GET",
        "TCP_CHECK",
        "UDP_CHECK",
    ],
    // Read by what was taken from it.
    &[
        "flag-1",
        "flag-2",
        "flag-3",
        "lvs_sync_daemon",
        "lvs_sync_daemon_interface",
        "strict_mode",
        "vrrp_strict",
        "vrrp_version",
    ],
];

/// The statements of a cluster that were put aside, and which of them a file has again.
#[derive(Debug)]
pub(super) struct GivenBack<'c> {
    kept: &'c BTreeMap<String, String>,
    /// Keys of those that are in the file.
    done: BTreeSet<&'c str>,
    /// Keys of those whose meaning is in the file in other words.
    written: BTreeSet<&'c str>,
}

impl<'c> GivenBack<'c> {
    /// Nothing written yet.
    pub(super) fn new(kept: &'c BTreeMap<String, String>) -> Self {
        GivenBack { kept, done: BTreeSet::new(), written: BTreeSet::new() }
    }

    /// Whether a statement was put aside under this path.
    pub(super) fn has(&self, path: &str) -> bool {
        self.kept.contains_key(&format!("{PREFIX}{path}"))
    }

    /// The words of `global_defs`, those left out that are written already. Whether one of them runs a program.
    pub(super) fn global(&mut self, page: &mut Page, written: &[&str]) -> bool {
        self.under(page, "global_defs/", Block::Global, written)
    }

    /// The words of an instance.
    pub(super) fn instance(&mut self, page: &mut Page, name: &str, written: &[&str]) -> bool {
        let path = format!("vrrp_instance {name}/");
        let mut written = written.to_vec();
        if !self.has(&format!("{path}use_vmac")) && !self.has(&format!("{path}use_ipvlan")) {
            // keepalived would ask for one of them.
            written.push("vmac_xmit_base");
        }
        self.under(page, &path, Block::Instance, &written)
    }

    /// Whether a list of addresses was put aside that names exactly these, each on its device.
    pub(super) fn is_list_of(&self, name: &str, word: &str, vips: &[Vip]) -> bool {
        let text = self.kept.get(&format!("{PREFIX}vrrp_instance {name}/{word}"));
        let statements = text.and_then(|text| readable(text, Block::Instance, &[]));
        let Some([list]) = statements.as_deref() else { return false };
        let lines = list.inside();
        !vips.is_empty()
            && lines.len() == vips.len()
            && lines.iter().zip(vips).all(|(line, vip)| {
                let mut words =
                    std::iter::once(&line.keyword).chain(&line.arguments).map(|word| word.text.as_str());
                let (address, prefix) =
                    words.next().map(|word| word.split_once('/').unwrap_or((word, ""))).unwrap_or_default();
                let whole = Family::of(vip.address).bits().to_string();
                let same_prefix = match vip.prefix {
                    Some(length) => prefix == length.to_string(),
                    None => prefix.is_empty() || prefix == whole,
                };
                let devices: Vec<&str> = words.skip_while(|word| *word != "dev").skip(1).take(1).collect();
                let on = vip.device.as_ref().map(Device::interface);
                address.parse() == Ok(vip.address)
                    && same_prefix
                    && devices.first().is_none_or(|device| Some(*device) == on)
            })
    }

    /// The name of the sync group that the words of one were put aside for.
    pub(super) fn group_name(&self) -> Option<&'c str> {
        let begin = format!("{PREFIX}vrrp_sync_group ");
        self.kept.keys().find_map(|key| key.strip_prefix(&begin)?.rsplit_once('/')).map(|(name, _)| name)
    }

    /// The words of a sync group.
    pub(super) fn group(&mut self, page: &mut Page, name: &str, written: &[&str]) -> bool {
        self.under(page, &format!("vrrp_sync_group {name}/"), Block::SyncGroup, written)
    }

    /// What stood outside all blocks.
    pub(super) fn top(&mut self, page: &mut Page) -> bool {
        let mut runs_programs = false;
        let keys = self.kept.iter().filter(|(key, _)| key.starts_with(PREFIX));
        for (key, text) in keys {
            let path = key.strip_prefix(PREFIX).unwrap_or(key);
            if path.contains('/') {
                continue;
            }
            if let Some(statements) = readable(text, Block::Top, &[]) {
                runs_programs |= statements.iter().any(runs_program);
                write(page, text);
                page.gap();
                self.done.insert(key);
            }
        }
        runs_programs
    }

    /// The rest as comments, and ready for the next file.
    pub(super) fn rest(&mut self, page: &mut Page, said: &mut Said) {
        // The text of an lvs.cf is for an lvs.cf.
        let rest = self.kept.iter().filter(|(key, _)| *key != KEPT_TEXT && !self.done.contains(key.as_str()));
        let rest: Vec<_> = rest.collect();
        if !rest.is_empty() {
            page.comment("Put aside when the cluster was read, and of no use here:");
        }
        for (key, text) in rest {
            aside(page, key, text);
            if !self.written.contains(key.as_str()) {
                lost(said, "", key);
            }
        }
        self.done.clear();
        self.written.clear();
    }

    fn under(&mut self, page: &mut Page, path: &str, block: Block, written: &[&str]) -> bool {
        let begin = format!("{PREFIX}{path}");
        let mut runs_programs = false;
        for (key, text) in self.kept.range(begin.clone()..) {
            let Some(word) = key.strip_prefix(&begin) else { break };
            if word.contains('/') {
                continue;
            }
            if written.contains(&word) {
                self.written.insert(key);
            }
            let statements = readable(text, block, written);
            if let Some(statements) = statements.filter(|all| all.iter().all(|one| self.is_defined(one))) {
                runs_programs |= statements.iter().any(runs_program);
                write(page, text);
                self.done.insert(key);
            }
        }
        runs_programs
    }

    /// Whether everything that a statement tracks is defined in the same file.
    fn is_defined(&self, statement: &Statement) -> bool {
        let definitions: &[&str] = match statement.keyword.text.as_str() {
            "track_script" => &["vrrp_script"],
            "track_file" => &["track_file", "vrrp_track_file"],
            "track_process" => &["vrrp_track_process"],
            "track_bfd" => &["bfd_instance"],
            _ => return true,
        };
        let is_there = |name: &str| {
            definitions.iter().any(|word| {
                let text = self.kept.get(&format!("{PREFIX}{word} {name}"));
                text.is_some_and(|text| readable(text, Block::Top, &[]).is_some())
            })
        };
        statement.inside().iter().all(|line| is_there(&line.keyword.text))
    }
}

/// The words of a virtual server or a real server, which stands at `pointer`. Whether one of them runs a program.
pub(super) fn words(
    page: &mut Page,
    said: &mut Said,
    (kept, pointer): (&BTreeMap<String, String>, &str),
    block: Block,
    written: &[&str],
) -> bool {
    let mut runs_programs = false;
    for (key, text) in kept {
        let statements = key.strip_prefix(PREFIX).and_then(|_| readable(text, block, written));
        match statements {
            Some(statements) => {
                runs_programs |= statements.iter().any(runs_program);
                write(page, text);
            }
            None => {
                aside(page, key, text);
                if !written.iter().any(|word| key.strip_prefix(PREFIX) == Some(word)) {
                    lost(said, pointer, key);
                }
            }
        }
    }
    runs_programs
}

/// Says that a word of an imported keepalived.conf is not given back. Which group a virtual server came from is only
/// a remark.
fn lost(said: &mut Said, pointer: &str, key: &str) {
    let Some(path) = key.strip_prefix(PREFIX).filter(|path| *path != GROUP) else { return };
    let field = format!("{pointer}/kept/{}", key.replace('~', "~0").replace('/', "~1"));
    said.warn(Finding::field(field, Code::ExportKeepalivedKept).with("word", path));
}

/// A text that is not given back, as comments.
fn aside(page: &mut Page, key: &str, text: &str) {
    page.comment(&format!("{}: {text}", key.strip_prefix(PREFIX).unwrap_or(key)));
}

/// The lines of a text, indented anew.
fn write(page: &mut Page, text: &str) {
    let mut depth = 0_usize;
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        depth = depth.saturating_sub(usize::from(line.starts_with('}')));
        page.line(format!("{}{line}", "    ".repeat(depth)));
        depth += usize::from(line.ends_with('{'));
    }
}

/// The statements of a text, where it is made of whole statements that keepalived knows in this block, none of which
/// is in the file already.
fn readable(text: &str, block: Block, written: &[&str]) -> Option<Vec<Statement>> {
    let head: &[&str] = match block {
        Block::Top => &[],
        Block::Global => &["global_defs {"],
        Block::Instance => &["vrrp_instance x {"],
        Block::SyncGroup => &["vrrp_sync_group x {"],
        Block::Service => &["virtual_server 192.0.2.1 80 {"],
        Block::Server => &["virtual_server 192.0.2.1 80 {", "real_server 192.0.2.2 80 {"],
        _ => return None,
    };
    let hidden = text.contains(MASK)
        || text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t'))
        || text.lines().any(|line| line.len() > super::page::LINE_MAXIMUM - 63 || line.ends_with('\\'))
        || text.lines().any(|line| line.trim_start().starts_with(['@', '$', '~']));
    if hidden {
        return None;
    }
    let mut collector = Collector::default();
    let mut blocks = Blocks::new(Mode::File);
    let lines = head.iter().copied().chain(text.lines()).chain(head.iter().map(|_| "}"));
    for (number, line) in (1..).zip(lines) {
        blocks.line(&Line::new(FileIndex(0), number, line), &mut collector);
    }
    let mut statements = blocks.finish(&mut collector);
    for _ in head {
        // A text that closes what is around it leaves more than one.
        let [only] = <[Statement; 1]>::try_from(statements).ok()?;
        statements = only.block?;
    }
    // What keepalived would refuse was said when the file was read, and is not written again.
    let mut reader = Reader { collector: &mut collector };
    statements.iter().for_each(|statement| values::check(&mut reader, block, statement));
    let fits = collector.finish().is_empty()
        && !statements.is_empty()
        && statements.iter().all(|statement| {
            is_known(statement, block)
                && !statement.is("include")
                && !NOT_GIVEN_BACK.iter().any(|words| words.contains(&statement.keyword.text.as_str()))
                && says_enough(statement)
                && !statement.keyword.text.starts_with("sh-")
                && !statement.keyword.text.starts_with("mh-")
                && !written.contains(&statement.keyword.text.as_str())
        });
    fits.then_some(statements)
}

/// Whether routes and programs say what keepalived asks of them: behind a program without quotes it takes the
/// next word for a user.
fn says_enough(statement: &Statement) -> bool {
    let words = statement.arguments.len();
    if runs_program(statement) && words > 1 && statement.argument(0).is_some_and(|word| !word.quoted) {
        return false;
    }
    // Groups that addresses of the host go with come behind them in the file, if at all.
    let grouped = |line: &Statement| line.arguments.iter().any(|word| word.text == "track_group");
    if statement.keyword.text.starts_with("static_") && statement.inside().iter().any(grouped) {
        return false;
    }
    // Of the routes of an instance `values` asks this.
    let device = |line: &Statement| line.arguments.iter().any(|word| word.text == "dev");
    !statement.is("static_routes") || statement.inside().iter().all(device)
}

/// Whether keepalived knows the keyword in this block, and all inside.
fn is_known(statement: &Statement, block: Block) -> bool {
    let word = statement.keyword.text.as_str();
    if !block.has_keywords() {
        return true;
    }
    let child = block.child(word);
    match &statement.block {
        Some(inside) => child.is_some_and(|child| inside.iter().all(|inner| is_known(inner, child))),
        None => block.keyword(word).is_some(),
    }
}

/// Whether a statement, or one inside it, names a program that keepalived runs.
fn runs_program(statement: &Statement) -> bool {
    let word = statement.keyword.text.as_str();
    let named = (word.starts_with("notify") && !word.starts_with("notify_priority"))
        || matches!(word, "quorum_up" | "quorum_down" | "script" | "misc_path")
        || word.ends_with("_script");
    (named && statement.block.is_none()) || statement.inside().iter().any(runs_program)
}
