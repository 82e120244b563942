//! The words of an lvs.cf by the block they belong to.
//!
//! Only tables and look-ups; what a word means is read elsewhere.

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

    /// Whether the word, in whatever letters, has any text for its value, also one that begins like a comment.
    pub(super) fn is_text(self, text: &str) -> bool {
        let words: &[&str] = if self == Scope::Virtual { &["send", "expect"] } else { &[] };
        words.iter().any(|word| word.eq_ignore_ascii_case(text))
    }

    /// The word of this scope that was probably meant.
    pub(super) fn nearest(self, text: &str) -> Option<&'static str> {
        let allowed = if text.len() < 5 { 1 } else { 2 };
        let text = text.to_ascii_lowercase();
        let near = self.words().iter().map(|word| (distance(&text, word), *word)).min()?;
        (near.0 <= allowed).then_some(near.1)
    }
}

/// Whether a word stands anywhere in an lvs.cf, whatever letters it was written in.
pub(in crate::format) fn is_word(text: &str) -> bool {
    [Scope::Global, Scope::Virtual, Scope::Server].iter().any(|scope| scope.find(text).is_some())
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
}
