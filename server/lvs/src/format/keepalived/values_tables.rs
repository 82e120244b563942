//! Which values the words may have that nothing here acts on, block by block, as keepalived 2.2 checks them.
//!
//! Used by `values` only. A word that is missing here may have any value, or is read by the reader of its block.

use super::syntax_words::Block;
use super::values::Rule::{
    self, Address, AllNumber, Choice, Decimal, Group, May, MayNumber, Needed, Number, Numbers, Permissions,
    Server, Switch, Weight,
};
use crate::table::Family;

/// The largest count that keepalived holds in 32 bits.
const MANY: i64 = 4_294_967_295;
/// The longest time in whole seconds, for it is held in millionths and 32 bits.
const SECONDS: i64 = 4_294;
/// The longest time in millionths of a second.
const LONG: u64 = 4_294_967_295;
/// The largest count that it holds with a sign.
const SIGNED: i64 = 2_147_483_647;

type Rules = &'static [(&'static str, Rule)];

/// The rule of a word in a block.
pub(super) fn rule(block: Block, word: &str) -> Option<Rule> {
    let rules = match block {
        Block::Top => TOP,
        Block::Global => GLOBAL,
        Block::SyncGroup => NOTIFY,
        Block::Instance => {
            return find(NOTIFY, word).or_else(|| find(INSTANCE, word));
        }
        Block::Script => SCRIPT,
        Block::TrackFile => TRACK_FILE,
        Block::TrackProcess => TRACK_PROCESS,
        Block::GarpGroup => GARP_GROUP,
        Block::Bfd => BFD,
        Block::Service => SERVICE,
        Block::Server => SERVER,
        Block::BfdCheck => &[("name", Needed), ("alpha", Switch)],
        Block::FileCheck => &[("track_file", Needed), ("weight", Weight(SIGNED))],
        _ => CHECKER,
    };
    find(rules, word)
}

fn find(rules: Rules, word: &str) -> Option<Rule> {
    rules.iter().find(|(name, _)| *name == word).map(|(_, rule)| *rule)
}

const TOP: Rules = &[("child_wait_time", Number(0, MANY))];

const GLOBAL: Rules = &[
    ("notification_email_from", Needed),
    ("smtp_server", Server),
    ("smtp_connect_timeout", Number(1, SECONDS)),
    ("smtp_alert", Switch),
    ("smtp_alert_vrrp", Switch),
    ("smtp_alert_checker", Switch),
    ("default_interface", Needed),
    ("dynamic_interfaces", May(&["allow_if_changes"])),
    ("lvs_flush_on_stop", May(&["VS"])),
    ("vrrp_mcast_group4", Group(Some(Family::Ipv4))),
    ("vrrp_mcast_group6", Group(Some(Family::Ipv6))),
    ("vrrp_garp_master_delay", Number(0, SECONDS)),
    ("vrrp_garp_master_repeat", Number(0, MANY)),
    ("vrrp_garp_master_refresh", Number(0, MANY)),
    ("vrrp_garp_master_refresh_repeat", Number(1, MANY)),
    ("vrrp_garp_lower_prio_delay", Number(0, SECONDS)),
    ("vrrp_garp_lower_prio_repeat", Number(0, MANY)),
    ("vrrp_garp_interval", Decimal(1, LONG)),
    ("vrrp_gna_interval", Decimal(1, LONG)),
    ("vrrp_garp_extra_if", AllNumber(1, 86_400)),
    ("vrrp_min_garp", Switch),
    ("vrrp_lower_prio_no_advert", Switch),
    ("vrrp_higher_prio_send_advert", Switch),
    ("vrrp_down_timer_adverts", Number(1, 100)),
    ("vrrp_startup_delay", Decimal(1_000, LONG)),
    ("vrrp_priority", Number(-20, 19)),
    ("checker_priority", Number(-20, 19)),
    ("bfd_priority", Number(-20, 19)),
    ("vrrp_rt_priority", Number(1, 99)),
    ("checker_rt_priority", Number(1, 99)),
    ("bfd_rt_priority", Number(1, 99)),
    ("vrrp_rlimit_rttime", Number(1, MANY)),
    ("checker_rlimit_rttime", Number(1, MANY)),
    ("bfd_rlimit_rttime", Number(1, MANY)),
    ("vrrp_cpu_affinity", Numbers(0, 4_095)),
    ("checker_cpu_affinity", Numbers(0, 4_095)),
    ("bfd_cpu_affinity", Numbers(0, 4_095)),
    ("process_name", Needed),
    ("vrrp_process_name", Needed),
    ("checker_process_name", Needed),
    ("bfd_process_name", Needed),
    ("vrrp_rx_bufs_policy", Choice(&["MTU", "ADVERT"])),
    ("vrrp_rx_bufs_multiplier", Number(1, MANY)),
    ("vrrp_netlink_cmd_rcv_bufs", Number(0, MANY)),
    ("vrrp_netlink_monitor_rcv_bufs", Number(0, MANY)),
    ("lvs_netlink_cmd_rcv_bufs", Number(0, MANY)),
    ("lvs_netlink_monitor_rcv_bufs", Number(0, MANY)),
    ("process_monitor_rcv_bufs", Number(0, MANY)),
    ("vrrp_netlink_cmd_rcv_bufs_force", Switch),
    ("vrrp_netlink_monitor_rcv_bufs_force", Switch),
    ("lvs_netlink_cmd_rcv_bufs_force", Switch),
    ("lvs_netlink_monitor_rcv_bufs_force", Switch),
    ("process_monitor_rcv_bufs_force", Switch),
    ("max_auto_priority", MayNumber(-1, 99)),
    ("min_auto_priority_delay", Number(1, 10_000_000)),
    ("script_user", Needed),
    ("nftables_priority", Number(-SIGNED - 1, SIGNED)),
    ("nftables_ipvs_priority", Number(-SIGNED - 1, SIGNED)),
    ("nftables_ipvs_start_fwmark", Number(1, MANY)),
    ("snmp_socket", Needed),
    ("umask", Permissions),
    ("random_seed", Number(0, MANY)),
    ("reload_time_file", Needed),
    ("checker_log_all_failures", Switch),
    ("startup_script", Needed),
    ("startup_script_timeout", Number(1, 1_000)),
    ("shutdown_script", Needed),
    ("shutdown_script_timeout", Number(1, 1_000)),
    ("notify_fifo", Needed),
    ("vrrp_notify_fifo", Needed),
    ("lvs_notify_fifo", Needed),
];

const NOTIFY: Rules = &[
    ("notify", Needed),
    ("notify_master", Needed),
    ("notify_backup", Needed),
    ("notify_fault", Needed),
    ("notify_stop", Needed),
    ("notify_deleted", Needed),
    ("notify_master_rx_lower_pri", Needed),
    ("notify_priority_changes", Switch),
    ("smtp_alert", Switch),
];

const INSTANCE: Rules = &[
    ("garp_master_delay", Number(0, SECONDS)),
    ("garp_master_repeat", Number(0, MANY)),
    ("garp_master_refresh", Number(0, MANY)),
    ("garp_master_refresh_repeat", Number(1, MANY)),
    ("garp_lower_prio_delay", Number(0, SECONDS)),
    ("garp_lower_prio_repeat", Number(0, MANY)),
    ("garp_extra_if", AllNumber(1, 86_400)),
    ("lower_prio_no_advert", Switch),
    ("higher_prio_send_advert", Switch),
    ("skip_check_adv_addr", Switch),
    ("down_timer_adverts", Number(1, 100)),
    ("kernel_rx_buf_size", Number(0, MANY)),
    ("debug", Number(0, 4)),
    ("mcast_dst_ip", Group(None)),
    ("unicast_ttl", Number(0, 255)),
    ("old_unicast_checksum", May(&["never"])),
];

const SCRIPT: Rules = &[
    ("script", Needed),
    ("interval", Number(1, SECONDS)),
    ("timeout", Number(1, SECONDS)),
    ("weight", Weight(253)),
    ("rise", Number(1, SIGNED)),
    ("fall", Number(1, SIGNED)),
    ("user", Needed),
];

const TRACK_FILE: Rules = &[("file", Needed), ("weight", Weight(254)), ("init_file", Choice(&["overwrite"]))];

const TRACK_PROCESS: Rules = &[
    ("process", Needed),
    ("param_match", May(&["initial", "partial"])),
    ("weight", Weight(254)),
    ("quorum", Number(1, 65_535)),
    ("quorum_max", Number(0, 65_535)),
    ("delay", Decimal(1, 3_600_000_000)),
    ("fork_delay", Decimal(1, 3_600_000_000)),
    ("terminate_delay", Decimal(1, 3_600_000_000)),
];

const GARP_GROUP: Rules = &[("garp_interval", Decimal(0, LONG)), ("gna_interval", Decimal(0, LONG))];

const BFD: Rules = &[
    ("neighbor_ip", Address),
    ("source_ip", Address),
    ("min_rx", Decimal(1_000_000, 4_294_967_000_000)),
    ("min_tx", Decimal(1_000_000, 4_294_967_000_000)),
    ("idle_tx", Decimal(1_000_000_000, 4_294_967_000_000)),
    ("multiplier", Number(1, 255)),
    ("ttl", Number(1, 255)),
    ("hoplimit", Number(1, 255)),
    ("max_hops", Number(-1, 255)),
    ("weight", Weight(253)),
];

const SERVICE: Rules =
    &[("quorum_up", Needed), ("quorum_down", Needed), ("persistence_engine", Needed), ("smtp_alert", Switch)];

const SERVER: Rules = &[("notify_up", Needed), ("notify_down", Needed), ("smtp_alert", Switch)];

const CHECKER: Rules = &[
    ("log_all_failures", Switch),
    ("fast_recovery", Switch),
    ("min_reply_length", Number(0, 65_535)),
    ("max_reply_length", Number(0, 65_535)),
    ("user", Needed),
];
