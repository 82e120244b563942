//! Keywords of keepalived that Caribe does not act on, each with the reason that the user is told.
//!
//! Every keyword that a reader of a block does not map itself is looked up here. What is not found is unknown, and
//! the nearest keyword is offered. Keywords with their usual value, which changes nothing, are in `usual`.

use std::collections::BTreeMap;

use super::kept;
use super::reader::Reader;
use super::syntax_words::Block;
use super::tree::Statement;
use super::values;
use crate::finding::{Code, Severity};

/// Puts a statement aside that its block's reader does not act on, and says why. `path` is what the key begins with.
pub(super) fn aside(
    reader: &mut Reader<'_>,
    kept: &mut BTreeMap<String, String>,
    path: &str,
    block: Block,
    statement: &Statement,
) {
    let word = statement.keyword.text.as_str();
    if usual(word, &statement.words()) {
        return;
    }
    // A file that is written says these by itself where it needs them.
    let said_anew = matches!(
        (word, statement.words().as_str()),
        ("script_user", "root" | "root root") | ("enable_script_security", "")
    );
    if !said_anew {
        kept::keep(kept, path, statement);
    }
    if statement.reported {
        return;
    }
    let known = block.knows(word);
    if known {
        values::check(reader, block, statement);
    }
    if let Some(code) = reason(word).filter(|_| known) {
        reader.warn(statement.origin(), code).with("word", word);
        return;
    }
    // Looking for what was meant is only worth it while somebody will read it.
    if !reader.collector.wants(Severity::Warning, &[Code::KeepalivedUnknown]) {
        return;
    }
    if let Some(home) = home(word).filter(|_| !known) {
        reader
            .warn(statement.origin(), Code::KeepalivedMisplaced)
            .with("word", kept::shown(word))
            .with("home", home);
    } else {
        let meant = nearest(block, word);
        reader
            .warn(statement.origin(), Code::KeepalivedUnknown)
            .with("word", kept::shown(word))
            .suggest(meant);
    }
}

/// Whether a value is keepalived's own default or none at all, so that nothing is lost without it.
fn usual(word: &str, value: &str) -> bool {
    matches!(
        (word, value),
        ("garp_master_refresh_repeat" | "vrrp_garp_master_refresh_repeat", "1")
            | ("garp_master_refresh" | "vrrp_garp_master_refresh" | "vrrp_startup_delay", "0")
            | ("garp_master_delay" | "vrrp_garp_master_delay" | "garp_master_repeat", "5")
            | ("vrrp_garp_master_repeat", "5")
            | ("down_timer_adverts" | "vrrp_down_timer_adverts", "3")
            | ("vrrp_mcast_group4", "224.0.0.18")
            | ("vrrp_mcast_group6", "ff02::12")
            | ("unicast_ttl", "255")
            | ("accept" | "preempt", "")
            // A missing interface is no reason to stop here either.
            | ("dynamic_interfaces", "")
    )
}

/// Why nothing acts on a keyword.
fn reason(word: &str) -> Option<Code> {
    use Code::{
        KeepalivedAnnounce as Announce, KeepalivedCheckDetail as CheckDetail, KeepalivedFirewall as Firewall,
        KeepalivedHost as Host, KeepalivedMail as Mail, KeepalivedOutside as Outside,
        KeepalivedProcess as Process, KeepalivedRoute as Route, KeepalivedScript as Script,
        KeepalivedTrack as Track, KeepalivedVmac as Vmac, KeepalivedVrrpDetail as VrrpDetail,
    };
    let code = match word {
        "script_user" | "enable_script_security" | "user" => Code::KeepalivedScriptUser,
        "notification_email"
        | "notification_email_from"
        | "smtp_server"
        | "smtp_helo_name"
        | "smtp_connect_timeout"
        | "smtp_alert"
        | "smtp_alert_vrrp"
        | "smtp_alert_checker"
        | "no_email_faults"
        | "email_faults"
        | "no_checker_emails" => Mail,
        "notify"
        | "notify_master"
        | "notify_backup"
        | "notify_fault"
        | "notify_stop"
        | "notify_deleted"
        | "notify_master_rx_lower_pri"
        | "notify_priority_changes"
        | "vrrp_notify_priority_changes"
        | "notify_up"
        | "notify_down"
        | "quorum_up"
        | "quorum_down"
        | "omega"
        | "notify_fifo"
        | "notify_fifo_script"
        | "vrrp_notify_fifo"
        | "vrrp_notify_fifo_script"
        | "lvs_notify_fifo"
        | "lvs_notify_fifo_script"
        | "fifo_write_vrrp_states_on_reload"
        | "rs_init_notifies"
        | "startup_script"
        | "startup_script_timeout"
        | "shutdown_script"
        | "shutdown_script_timeout"
        | "script_security"
        | "keep_script_stdin"
        | "vrrp_script" => Script,
        "track_interface"
        | "track_script"
        | "track_file"
        | "track_process"
        | "track_bfd"
        | "track_group"
        | "vrrp_track_file"
        | "vrrp_track_process"
        | "track_src_ip"
        | "bfd_instance"
        | "global_tracking"
        | "sync_group_tracking_weight"
        | "interface_up_down_delays"
        | "linkbeat_interfaces"
        | "linkbeat_use_polling"
        | "timeout_sync_group" => Track,
        "static_ipaddress"
        | "static_routes"
        | "static_rules"
        | "promote_secondaries"
        | "default_interface" => Host,
        "virtual_routes" | "virtual_rules" => Route,
        "use_vmac" | "use_vmac_addr" | "vmac_xmit_base" | "vmac_addr" | "vmac_garp_intvl" | "use_ipvlan"
        | "vmac_prefix" | "vmac_addr_prefix" => Vmac,
        "garp_group"
        | "garp_master_delay"
        | "garp_master_repeat"
        | "garp_master_refresh"
        | "garp_master_refresh_repeat"
        | "garp_lower_prio_delay"
        | "garp_lower_prio_repeat"
        | "garp_extra_if"
        | "vrrp_garp_master_delay"
        | "vrrp_garp_master_repeat"
        | "vrrp_garp_master_refresh"
        | "vrrp_garp_master_refresh_repeat"
        | "vrrp_garp_lower_prio_delay"
        | "vrrp_garp_lower_prio_repeat"
        | "vrrp_garp_interval"
        | "vrrp_gna_interval"
        | "vrrp_garp_extra_if"
        | "vrrp_min_garp" => Announce,
        "vrrp_mcast_group4"
        | "vrrp_mcast_group6"
        | "mcast_dst_ip"
        | "vrrp_skip_check_adv_addr"
        | "skip_check_adv_addr"
        | "vrrp_check_unicast_src"
        | "check_unicast_src"
        | "unicast_ttl"
        | "unicast_fault_no_peer"
        | "old_unicast_checksum"
        | "vrrp_lower_prio_no_advert"
        | "lower_prio_no_advert"
        | "vrrp_higher_prio_send_advert"
        | "higher_prio_send_advert"
        | "vrrp_down_timer_adverts"
        | "down_timer_adverts"
        | "vrrp_startup_delay"
        | "vrrp_owner_ignore_adverts"
        | "owner_ignore_adverts"
        | "accept"
        | "no_accept"
        | "v3_checksum_as_v2"
        | "disable_local_igmp"
        | "log_unknown_vrids"
        | "auth_hmac"
        | "native_ipv6" => VrrpDetail,
        "nftables"
        | "nftables_priority"
        | "nftables_ifindex"
        | "nftables_counters"
        | "nftables_ipvs"
        | "nftables_ipvs_priority"
        | "nftables_ipvs_start_fwmark"
        | "vrrp_iptables"
        | "iptables"
        | "vrrp_ipsets"
        | "namespace_with_ipsets" => Firewall,
        "fast_recovery"
        | "tls_compliant"
        | "log_all_failures"
        | "checker_log_all_failures"
        | "min_reply_length"
        | "max_reply_length"
        | "regex_min_offset"
        | "regex_max_offset"
        | "regex_stack"
        | "sni_name"
        | "SSL" => CheckDetail,
        "ha_suspend" => Code::KeepalivedSuspend,
        "lvs_flush" | "lvs_flush_on_stop" | "lvs_flush_onstop" => Code::KeepalivedFlush,
        "persistence_engine" | "sorry_server_inhibit" | "lvs_id" | "hashed" => Outside,
        // Old files have it; keepalived does not read it any more.
        "nat_mask" => Code::KeepalivedUnknown,
        "net_namespace" | "net_namespace_ipvs" | "instance" | "dynamic_interfaces" => Process,
        _ => {
            return (Block::Top.knows(word)
                || Block::Global.knows(word)
                || word == "debug"
                || word == "kernel_rx_buf_size")
                .then_some(Process);
        }
    };
    Some(code)
}

/// A block in which a keyword means something.
fn home(word: &str) -> Option<&'static str> {
    let homes = [
        (Block::Global, "global_defs"),
        (Block::Instance, "vrrp_instance"),
        (Block::Service, "virtual_server"),
        (Block::Server, "real_server"),
        (Block::Script, "vrrp_script"),
        (Block::Http, "HTTP_GET"),
        (Block::Url, "url"),
        (Block::Top, "the file itself"),
    ];
    homes.into_iter().find(|(block, _)| block.knows(word)).map(|(_, name)| name)
}

/// The keyword of a block that is one slip away.
pub(super) fn nearest(block: Block, word: &str) -> Option<&'static str> {
    if word.len() > 40 {
        return None;
    }
    let close = |name: &&'static str| {
        let lower = word.to_ascii_lowercase().replace('-', "_");
        lower == **name || (word.len() > 4 && slips(&lower, name) <= 2)
    };
    block.words().iter().flat_map(|words| words.iter()).map(|(name, _)| *name).find(close)
}

/// How many letters have to be changed, added or taken away.
fn slips(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, a) in left.chars().enumerate() {
        let mut next = vec![index + 1];
        for (column, (b, pair)) in right.iter().zip(row.windows(2)).enumerate() {
            let &[diagonal, above] = pair else { continue };
            let left = next.get(column).copied().unwrap_or(usize::MAX);
            next.push((diagonal + usize::from(a != *b)).min(above + 1).min(left.saturating_add(1)));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_seen() {
        assert_eq!(nearest(Block::Service, "delay_lop"), Some("delay_loop"));
        assert_eq!(nearest(Block::Instance, "Priority"), Some("priority"));
        assert_eq!(nearest(Block::Service, "colour"), None);
        assert_eq!(slips("kitten", "sitting"), 3);
    }

    /// Every keyword that the syntax knows is read by the reader of its block or has a reason here.
    #[test]
    fn every_keyword_is_read_or_has_a_reason() {
        let read = [
            // Blocks as a whole, and files inside files.
            "include includer includem includew includeb includea include_check",
            // global_defs
            "router_id router-id lvs_timeouts lvs_sync_daemon vrrp_version vrrp_strict",
            // vrrp_instance
            "state interface virtual_router_id priority advert_int nopreempt preempt preempt_delay version",
            "unicast_src_ip mcast_src_ip strict_mode dont_track_primary auth_type auth_pass",
            "lvs_sync_daemon_interface lvs_sync_daemon_inteface notify_master notify_backup notify_fault",
            // virtual_server and real_server
            "lb_algo lvs_sched lb_kind lvs_method flag-1 flag-2 flag-3 sh-port sh-fallback mh-port mh-fallback ops",
            "persistence_timeout persistence_granularity protocol ip_family virtualhost alpha weight snmp_name",
            "quorum hysteresis inhibit_on_failure sorry_server sorry_server_lvs_method uthreshold lthreshold",
            // Checkers
            "delay_loop retry nb_get_retry delay_before_retry connect_timeout connect_ip connect_port",
            "enable_sni http_protocol path digest status_code regex regex_no_match regex_options helo_name type name",
            "misc_path misc_timeout misc_dynamic payload require_reply bindto bind_port bind_if fwmark warmup",
        ];
        let read: Vec<&str> = read.iter().flat_map(|words| words.split(' ')).collect();
        // The others are put aside as a whole.
        let blocks = [
            Block::Top,
            Block::Global,
            Block::SyncGroup,
            Block::Instance,
            Block::Authentication,
            Block::Service,
            Block::Server,
            Block::Http,
            Block::Url,
            Block::Tcp,
            Block::Smtp,
            Block::SmtpHost,
            Block::Dns,
            Block::Misc,
            Block::Udp,
            Block::Ping,
        ];
        let words = blocks.into_iter().flat_map(|block| block.words().iter().flat_map(|words| words.iter()));
        let unsaid: Vec<&str> = words
            .map(|(word, _)| *word)
            .filter(|word| !read.contains(word) && reason(word).is_none())
            .collect();
        assert!(unsaid.is_empty(), "{unsaid:?}");
    }
}
