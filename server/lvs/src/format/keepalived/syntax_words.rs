//! Which words open a block where, and how many arguments the ordinary words take: just enough to see where a
//! statement ends, where a block belongs, and where a blank was lost.
//!
//! What the words mean is not known here; a word that is missing here is still read as a statement of its own.

/// How many words behind a keyword belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arity {
    /// None, or a word for yes or no.
    Flag,
    /// At most this many.
    Most(u8),
    /// All that follow.
    Rest,
}
use Arity::{Flag, Most, Rest};

use super::syntax_tables::{
    AUTHENTICATION, BFD, GARP_GROUP, GLOBAL, INSTANCE, NOTIFY, SCRIPT, SSL, SYNC_GROUP, TOP, TRACK_FILE,
    TRACK_PROCESS,
};

/// A block by what may stand in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Block {
    /// The file itself.
    Top,
    /// A block of a kind that is not known here.
    Unknown,
    Global,
    /// A list in which each word stands for itself, such as mail addresses or the names of instances.
    Words,
    /// A list of IP addresses with options, one to a line.
    Addresses,
    /// Lines whose first word is a name or an address of another kind.
    Lines,
    TrackGroup,
    TrackFile,
    TrackProcess,
    GarpGroup,
    Script,
    SyncGroup,
    Instance,
    Authentication,
    Bfd,
    Ssl,
    Service,
    Server,
    Http,
    Url,
    Tcp,
    Smtp,
    SmtpHost,
    Dns,
    Misc,
    Udp,
    Ping,
    BfdCheck,
    FileCheck,
}

/// Blocks that hold others.
const PARENTS: [Block; 10] = [
    Block::Top,
    Block::Global,
    Block::TrackGroup,
    Block::GarpGroup,
    Block::SyncGroup,
    Block::Instance,
    Block::Service,
    Block::Server,
    Block::Http,
    Block::Smtp,
];

/// Whether a word opens a block, wherever that may stand.
pub(super) fn opens_a_block(word: &str) -> bool {
    PARENTS.iter().any(|parent| parent.child(word).is_some())
}

/// A keyword and what follows it.
pub(super) type Words = &'static [(&'static str, Arity)];

impl Block {
    /// The kind of block that a word opens in this one.
    pub(super) fn child(self, word: &str) -> Option<Block> {
        self.children().iter().find(|(name, _)| *name == word).map(|(_, block)| *block)
    }

    /// All words that open a block in this one.
    pub(super) fn children(self) -> &'static [(&'static str, Block)] {
        match self {
            Block::Top => TOP_BLOCKS,
            Block::Global => &[("notification_email", Block::Words), ("linkbeat_interfaces", Block::Lines)],
            Block::TrackGroup | Block::GarpGroup => &[("group", Block::Words), ("interfaces", Block::Words)],
            Block::SyncGroup => &[
                ("group", Block::Words),
                ("track_interface", Block::Lines),
                ("track_script", Block::Lines),
                ("track_file", Block::Lines),
                ("track_process", Block::Lines),
                ("track_bfd", Block::Lines),
            ],
            Block::Instance => INSTANCE_BLOCKS,
            Block::Service => &[("real_server", Block::Server)],
            Block::Server => SERVER_BLOCKS,
            Block::Http => &[("url", Block::Url)],
            Block::Smtp => &[("host", Block::SmtpHost)],
            _ => &[],
        }
    }

    /// How many arguments a keyword takes in this block; none where it is not known here.
    pub(super) fn keyword(self, word: &str) -> Option<Arity> {
        self.words()
            .iter()
            .flat_map(|words| words.iter())
            .find(|(name, _)| *name == word)
            .map(|(_, arity)| *arity)
    }

    /// Whether a word means something in this block, as a keyword or before a brace.
    pub(super) fn knows(self, word: &str) -> bool {
        self.keyword(word).is_some() || self.child(word).is_some()
    }

    /// Whether the first words of its lines are keywords; in the others they are names and values.
    pub(super) fn has_keywords(self) -> bool {
        !self.words().is_empty()
    }

    /// All keywords of this block.
    pub(super) fn words(self) -> &'static [Words] {
        match self {
            Block::Top => &[TOP],
            Block::Global => &[GLOBAL],
            Block::TrackFile => &[TRACK_FILE],
            Block::TrackProcess => &[TRACK_PROCESS],
            Block::GarpGroup => &[GARP_GROUP],
            Block::Script => &[SCRIPT],
            Block::SyncGroup => &[NOTIFY, SYNC_GROUP],
            Block::Instance => &[NOTIFY, INSTANCE],
            Block::Authentication => &[AUTHENTICATION],
            Block::Bfd => &[BFD],
            Block::Ssl => &[SSL],
            Block::Service => &[SERVICE, RETRY],
            Block::Server => &[SERVER, RETRY],
            Block::Http => &[HTTP, CHECKER, RETRY],
            Block::Url => &[URL],
            Block::Tcp | Block::Ping => &[CHECKER, RETRY],
            Block::Smtp => &[SMTP, CHECKER, RETRY],
            Block::SmtpHost => &[CHECKER],
            Block::Dns => &[DNS, CHECKER, RETRY],
            Block::Misc => &[MISC, RETRY],
            Block::Udp => &[UDP, CHECKER, RETRY],
            Block::BfdCheck => &[NAMED],
            Block::FileCheck => &[FILE_CHECK],
            Block::Unknown | Block::Words | Block::Addresses | Block::Lines | Block::TrackGroup => &[],
        }
    }
}

/// Whether a word answers yes or no.
pub(super) fn is_boolean(word: &str) -> bool {
    matches!(word, "on" | "off" | "true" | "false" | "yes" | "no")
}

/// Blocks of a file.
pub(super) const TOP_BLOCKS: &[(&str, Block)] = &[
    ("global_defs", Block::Global),
    ("static_ipaddress", Block::Addresses),
    ("static_routes", Block::Lines),
    ("static_rules", Block::Lines),
    ("track_group", Block::TrackGroup),
    ("track_file", Block::TrackFile),
    ("vrrp_track_file", Block::TrackFile),
    ("vrrp_track_process", Block::TrackProcess),
    ("track_process", Block::TrackProcess),
    ("garp_group", Block::GarpGroup),
    ("interface_up_down_delays", Block::Lines),
    ("linkbeat_interfaces", Block::Lines),
    ("vrrp_script", Block::Script),
    ("vrrp_sync_group", Block::SyncGroup),
    ("vrrp_instance", Block::Instance),
    ("bfd_instance", Block::Bfd),
    ("virtual_server_group", Block::Lines),
    ("virtual_server", Block::Service),
    ("SSL", Block::Ssl),
];

const INSTANCE_BLOCKS: &[(&str, Block)] = &[
    ("authentication", Block::Authentication),
    ("virtual_ipaddress", Block::Addresses),
    ("virtual_ipaddress_excluded", Block::Addresses),
    ("unicast_peer", Block::Addresses),
    ("virtual_routes", Block::Lines),
    ("virtual_rules", Block::Lines),
    ("track_interface", Block::Lines),
    ("track_script", Block::Lines),
    ("track_file", Block::Lines),
    ("track_process", Block::Lines),
    ("track_bfd", Block::Lines),
];

const SERVER_BLOCKS: &[(&str, Block)] = &[
    ("HTTP_GET", Block::Http),
    ("SSL_GET", Block::Http),
    ("TCP_CHECK", Block::Tcp),
    ("SMTP_CHECK", Block::Smtp),
    ("DNS_CHECK", Block::Dns),
    ("MISC_CHECK", Block::Misc),
    ("UDP_CHECK", Block::Udp),
    ("PING_CHECK", Block::Ping),
    ("BFD_CHECK", Block::BfdCheck),
    ("FILE_CHECK", Block::FileCheck),
];

const SERVICE: Words = &[
    ("lb_algo", Most(1)),
    ("lvs_sched", Most(1)),
    ("lb_kind", Rest),
    ("lvs_method", Rest),
    ("hashed", Flag),
    ("flag-1", Flag),
    ("flag-2", Flag),
    ("flag-3", Flag),
    ("sh-port", Flag),
    ("sh-fallback", Flag),
    ("mh-port", Flag),
    ("mh-fallback", Flag),
    ("ops", Flag),
    ("persistence_timeout", Most(1)),
    ("persistence_granularity", Most(1)),
    ("persistence_engine", Most(1)),
    ("protocol", Most(1)),
    ("ip_family", Most(1)),
    ("nat_mask", Most(1)),
    ("ha_suspend", Flag),
    ("virtualhost", Most(1)),
    ("alpha", Flag),
    ("omega", Flag),
    ("quorum", Most(1)),
    ("hysteresis", Most(1)),
    ("quorum_up", Rest),
    ("quorum_down", Rest),
    ("weight", Most(1)),
    ("inhibit_on_failure", Flag),
    ("smtp_alert", Flag),
    ("connect_timeout", Most(1)),
    ("sorry_server", Most(2)),
    ("sorry_server_inhibit", Flag),
    ("sorry_server_lvs_method", Rest),
    ("snmp_name", Most(1)),
];

const SERVER: Words = &[
    ("connect_timeout", Most(1)),
    ("weight", Most(1)),
    ("lvs_method", Rest),
    ("lb_kind", Rest),
    ("uthreshold", Most(1)),
    ("lthreshold", Most(1)),
    ("inhibit_on_failure", Flag),
    ("notify_up", Rest),
    ("notify_down", Rest),
    ("alpha", Flag),
    ("smtp_alert", Flag),
    ("virtualhost", Most(1)),
    ("snmp_name", Most(1)),
];

/// What services, servers and checkers have in common.
const RETRY: Words = &[
    ("delay_loop", Most(1)),
    ("retry", Most(1)),
    ("nb_get_retry", Most(1)),
    ("delay_before_retry", Most(1)),
    ("warmup", Most(1)),
    ("alpha", Flag),
];

const CHECKER: Words = &[
    ("log_all_failures", Flag),
    ("connect_ip", Most(1)),
    ("connect_port", Most(1)),
    ("bindto", Most(1)),
    ("bind_port", Most(1)),
    ("bind_if", Most(1)),
    ("fwmark", Most(1)),
    ("connect_timeout", Most(1)),
];

const HTTP: Words = &[
    ("virtualhost", Most(1)),
    ("enable_sni", Flag),
    ("fast_recovery", Flag),
    ("http_protocol", Most(1)),
    ("tls_compliant", Flag),
];

const URL: Words = &[
    ("path", Most(1)),
    ("digest", Most(1)),
    ("status_code", Rest),
    ("virtualhost", Most(1)),
    ("regex", Most(1)),
    ("regex_no_match", Flag),
    ("regex_options", Rest),
    ("regex_stack", Most(2)),
    ("regex_min_offset", Most(1)),
    ("regex_max_offset", Most(1)),
    ("tls_compliant", Flag),
];

const SMTP: Words = &[("helo_name", Most(1))];
const DNS: Words = &[("type", Most(1)), ("name", Most(1))];
const NAMED: Words = &[("name", Most(1)), ("alpha", Flag), ("weight", Most(1))];
const FILE_CHECK: Words = &[("track_file", Most(1)), ("weight", Most(2))];

const MISC: Words = &[
    ("log_all_failures", Flag),
    ("misc_path", Rest),
    ("misc_timeout", Most(1)),
    ("misc_dynamic", Flag),
    ("user", Most(2)),
];

const UDP: Words = &[
    ("payload", Most(1)),
    ("require_reply", Most(1)),
    ("min_reply_length", Most(1)),
    ("max_reply_length", Most(1)),
];
