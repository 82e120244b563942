//! The words of an lvs.cf by the block they belong to, and the TCP service names the reader knows.
//!
//! Only tables and look-ups; what a word means is read elsewhere. Nothing is ever looked up on the machine or the
//! network, so that a file reads the same everywhere.

/// Where a directive stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// Outside every block.
    Global,
    /// In `virtual NAME { }`.
    Virtual,
    /// In `server NAME { }`.
    Server,
}

impl Scope {
    /// The word that opens such a block.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Scope::Global => "global",
            Scope::Virtual => "virtual",
            Scope::Server => "server",
        }
    }

    /// Where blocks of this kind stand.
    pub(super) fn outer(self) -> Option<Scope> {
        match self {
            Scope::Global => None,
            Scope::Virtual => Some(Scope::Global),
            Scope::Server => Some(Scope::Virtual),
        }
    }

    /// What the daemons accept here, in the order in which the old pages wrote it; what they never wrote comes last.
    pub(super) fn words(self) -> &'static [&'static str] {
        match self {
            Scope::Global => &[
                "serial_no",
                "primary",
                "primary_private",
                "primary_shared",
                "service",
                "rsh_command",
                "backup_active",
                "backup",
                "backup_private",
                "backup_shared",
                "heartbeat",
                "heartbeat_port",
                "keepalive",
                "deadtime",
                "network",
                "nat_router",
                "nat_nmask",
                "reservation_conflict_action",
                "debug_level",
                "active_cmd",
                "inactive_cmd",
                "monitor_links",
                "syncdaemon",
                "syncd_iface",
                "syncd_id",
                "tcp_timeout",
                "tcpfin_timeout",
                "udp_timeout",
                "hard_shutdown",
                "ipvsadm",
                "sync",
            ],
            Scope::Virtual => &[
                "active",
                "address",
                "sorry_server",
                "vip_nmask",
                "fwmark",
                "port",
                "persistent",
                "pmask",
                "send",
                "expect",
                "use_regex",
                "send_program",
                "load_monitor",
                "scheduler",
                "protocol",
                "timeout",
                "reentry",
                "quiesce_server",
                "client_monitor",
                "master",
                "dirs",
                "start_cmd",
                "stop_cmd",
            ],
            Scope::Server => &["address", "active", "port", "weight"],
        }
    }

    /// What only the old pages wrote here; the daemons refuse it.
    pub(super) fn page_words(self) -> &'static [&'static str] {
        match self {
            Scope::Global => &[],
            Scope::Virtual => &["expect_program", "deadtime"],
            Scope::Server => &["nmask"],
        }
    }

    /// The word of this scope, in its own spelling, whatever letters it was written in.
    pub(super) fn find(self, text: &str) -> Option<&'static str> {
        self.words().iter().copied().find(|word| word.eq_ignore_ascii_case(text))
    }

    /// The word of this scope that was probably meant.
    pub(super) fn nearest(self, text: &str) -> Option<&'static str> {
        let allowed = if text.len() < 5 { 1 } else { 2 };
        let text = text.to_ascii_lowercase();
        let near = self.words().iter().map(|word| (distance(&text, word), *word)).min()?;
        (near.0 <= allowed).then_some(near.1)
    }
}

/// Letters to insert, drop or replace to get from one word to the other; long words count as far.
fn distance(from: &str, to: &str) -> usize {
    if from.len() > 32 {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut before = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (b, above) in to.chars().zip(row.iter().skip(1)) {
            left = (before + usize::from(a != b)).min(above + 1).min(left + 1);
            before = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(usize::MAX)
}

/// TCP port of a service name (IANA registry; those that are commonly balanced).
pub(super) fn tcp_port(name: &str) -> Option<u16> {
    SERVICES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, port)| *port)
}

const SERVICES: &[(&str, u16)] = &[
    ("ftp-data", 20),
    ("ftp", 21),
    ("ssh", 22),
    ("telnet", 23),
    ("smtp", 25),
    ("mail", 25),
    ("time", 37),
    ("whois", 43),
    ("domain", 53),
    ("http", 80),
    ("www", 80),
    ("www-http", 80),
    ("kerberos", 88),
    ("pop3", 110),
    ("sunrpc", 111),
    ("nntp", 119),
    ("ntp", 123),
    ("imap", 143),
    ("imap2", 143),
    ("snmp", 161),
    ("ldap", 389),
    ("https", 443),
    ("microsoft-ds", 445),
    ("kpasswd", 464),
    ("submissions", 465),
    ("smtps", 465),
    ("syslog", 514),
    ("shell", 514),
    ("printer", 515),
    ("ipp", 631),
    ("rtsp", 554),
    ("submission", 587),
    ("nntps", 563),
    ("ldaps", 636),
    ("rsync", 873),
    ("domain-s", 853),
    ("ftps-data", 989),
    ("ftps", 990),
    ("telnets", 992),
    ("imaps", 993),
    ("pop3s", 995),
    ("socks", 1080),
    ("ms-sql-s", 1433),
    ("oracle", 1521),
    ("radius", 1812),
    ("radius-acct", 1813),
    ("mqtt", 1883),
    ("nfs", 2049),
    ("zookeeper", 2181),
    ("squid", 3128),
    ("iscsi-target", 3260),
    ("mysql", 3306),
    ("ms-wbt-server", 3389),
    ("svn", 3690),
    ("sip", 5060),
    ("sips", 5061),
    ("xmpp-client", 5222),
    ("xmpp-server", 5269),
    ("postgresql", 5432),
    ("postgres", 5432),
    ("amqps", 5671),
    ("amqp", 5672),
    ("http-alt", 8080),
    ("webcache", 8080),
    ("https-alt", 8443),
    ("secure-mqtt", 8883),
    ("git", 9418),
    ("redis", 6379),
    ("memcache", 11211),
    ("mongodb", 27017),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_keyboard_is_recognised() {
        assert_eq!(Scope::Virtual.nearest("prot"), None);
        assert_eq!(Scope::Virtual.nearest("shceduler"), Some("scheduler"));
        assert_eq!(Scope::Virtual.nearest("ports"), Some("port"));
        assert_eq!(Scope::Global.nearest("keep_alive"), Some("keepalive"));
        assert_eq!(Scope::Global.nearest("zebra"), None);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
    }

    #[test]
    fn service_names_are_told_once_each() {
        let mut names: Vec<_> = SERVICES.iter().map(|(name, _)| name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), SERVICES.len());
        assert_eq!((tcp_port("https"), tcp_port("HTTP"), tcp_port("frontdoor")), (Some(443), Some(80), None));
    }
}
