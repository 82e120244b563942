//! Which kind of file a text is, by what stands in it.
//!
//! Counts the marks of every kind over the whole text and decides afterwards, for one kind often holds words of
//! another: scripts assign variables as an lvs.cf does, posts about keepalived show a line of ipvsadm. Reads nothing
//! and says nothing; `read_sources` does.

use super::{FileKind, lvs_cf};

/// Blocks of a keepalived.conf, longer names before those they begin with.
const KEEPALIVED_BLOCKS: [&str; 19] = [
    "global_defs",
    "static_ipaddress",
    "static_routes",
    "static_rules",
    "track_group",
    "track_file",
    "track_process",
    "vrrp_track_file",
    "vrrp_track_process",
    "garp_group",
    "interface_up_down_delays",
    "linkbeat_interfaces",
    "vrrp_script",
    "vrrp_sync_group",
    "vrrp_instance",
    "bfd_instance",
    "virtual_server_group",
    "virtual_server",
    "real_server",
];

/// The length of the shortest of them: most words of a file need no further look.
const SHORTEST_BLOCK: usize = 10;

/// Words inside those blocks that a lost blank glues to their value.
const KEEPALIVED_WORDS: [&str; 21] = [
    "delay_loop",
    "virtual_router_id",
    "priority",
    "advert_int",
    "auth_pass",
    "auth_type",
    "weight",
    "connect_timeout",
    "connect_port",
    "nb_get_retry",
    "delay_before_retry",
    "retry",
    "persistence_timeout",
    "lb_algo",
    "lb_kind",
    "protocol",
    "interface",
    "state",
    "nopreempt",
    "group",
    "instance",
];

/// Characters within which the brace of a block follows its name.
const HEADER_LENGTH: usize = 120;

/// The marks of each kind found in a text.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    /// Lines that are neither blank nor a comment of any kind.
    lines: usize,
    /// Heads of keepalived's blocks, each with its brace.
    headers: usize,
    /// The same in comments, where a text that lost its line ends has them.
    commented_headers: usize,
    /// Other words of keepalived at the beginning of a line.
    keepalived_words: usize,
    /// A keepalived.conf that keepalived itself would not read as meant: prose, glued words, both nodes in one.
    pasted: bool,
    /// `virtual NAME {` and `failover NAME {`.
    virtual_blocks: usize,
    /// `WORD = VALUE` with a word of the lvs.cf.
    settings: usize,
    /// The same without blanks, as shells write it, or without the sign.
    glued_settings: usize,
    /// Lines that call ipvsadm, or are lines of its own.
    commands: usize,
    /// Lines of a table as `ipvsadm -L` prints it.
    listing: usize,
}

/// The kind that a text looks like; none where nothing tells.
pub fn detect(text: &str) -> Option<FileKind> {
    Evidence::of(text).kind()
}

impl Evidence {
    /// Looks at every line once.
    pub(super) fn of(text: &str) -> Self {
        let mut evidence = Evidence::default();
        let mut scan = Scan::default();
        for line in text.split(['\n', '\r']) {
            evidence.line(line, &mut scan);
        }
        evidence
    }

    /// The kind with the clearest marks.
    pub(super) fn kind(&self) -> Option<FileKind> {
        let keepalived = || if self.pasted { FileKind::KeepalivedPaste } else { FileKind::Keepalived };
        if self.virtual_blocks > 0 && self.virtual_blocks >= self.headers {
            Some(FileKind::LvsCf)
        } else if self.headers > 0 {
            Some(keepalived())
        } else if self.settings > 0 {
            Some(FileKind::LvsCf)
        } else if self.commands > 0 || self.listing > 0 {
            Some(FileKind::Ipvsadm)
        } else if self.glued_settings > 0 {
            Some(FileKind::LvsCf)
        } else if self.commented_headers > 0 {
            Some(FileKind::KeepalivedPaste)
        } else if self.keepalived_words > 0 {
            Some(keepalived())
        } else {
            None
        }
    }

    /// Whether there is anything of this kind in the text.
    pub(super) fn has(&self, kind: FileKind) -> bool {
        match kind {
            FileKind::LvsCf => self.virtual_blocks + self.settings + self.glued_settings > 0,
            FileKind::Ipvsadm => self.commands + self.listing > 0,
            FileKind::Keepalived | FileKind::KeepalivedPaste => {
                self.headers + self.commented_headers + self.keepalived_words > 0
            }
        }
    }

    /// Whether there is nothing but blank lines and comments.
    pub(super) fn is_blank(&self) -> bool {
        self.lines == 0
    }

    fn line(&mut self, line: &str, scan: &mut Scan) {
        let line = line.trim_matches(is_blank);
        if line.is_empty() {
            return;
        }
        let hash = line.starts_with('#');
        if !hash && !line.starts_with('!') {
            self.lines += 1;
            self.lvs_cf(line, scan);
        }
        if !hash {
            self.ipvsadm(line);
        }
        self.keepalived(line, scan);
    }

    fn lvs_cf(&mut self, line: &str, scan: &mut Scan) {
        let line = line.trim_start_matches('?').trim_start();
        let end = line.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(line.len());
        let (word, rest) = line.split_at_checked(end).unwrap_or((line, ""));
        let block = ["virtual", "failover"].iter().any(|head| word.eq_ignore_ascii_case(head));
        let open = std::mem::take(&mut scan.virtual_open);
        if open && line.starts_with('{') {
            self.virtual_blocks += 1;
        } else if block && rest.starts_with(is_blank) {
            scan.virtual_open = !rest.contains('{');
            self.virtual_blocks += usize::from(rest.contains('{'));
        } else if lvs_cf::is_word(word) {
            let value = rest.trim_start_matches(is_blank);
            match value.strip_prefix('=') {
                Some(_) if value.len() < rest.len() => self.settings += 1,
                Some(_) => self.glued_settings += 1,
                // Prose has words behind words; a setting that lost its sign has one value, behind a blank.
                None if value.len() == rest.len() => {}
                None => {
                    let values = value.split(is_blank).filter(|value| !value.is_empty()).count();
                    let telling = word.contains('_') || matches!(word, "primary" | "backup" | "deadtime");
                    self.glued_settings += usize::from(telling && values == 1);
                }
            }
        }
    }

    fn ipvsadm(&mut self, line: &str) {
        let dash = |text: &str| text.starts_with(is_dash);
        let is_break = |c: char| is_blank(c) || matches!(c, ';' | '&' | '|' | '"' | '\'' | '`' | '(' | ')');
        let mut words = line.split(is_break).filter(|word| !word.is_empty()).peekable();
        if line.starts_with("IP Virtual Server") || line.starts_with("Prot LocalAddress:Port") {
            self.listing += 1;
            return;
        }
        if words.peek().is_some_and(|first| is_command(first)) {
            self.commands += 1;
            return;
        }
        while let Some(word) = words.next() {
            let calls = word.rsplit('/').next().is_some_and(|name| name == "ipvsadm")
                || word.starts_with('$') && word.to_ascii_lowercase().contains("ipvsadm");
            if calls && words.peek().is_some_and(|next| dash(next)) {
                self.commands += 1;
                return;
            }
        }
    }

    fn keepalived(&mut self, line: &str, scan: &mut Scan) {
        let (line, comment) = without_comment(line);
        let (condition, line) = without_condition(line);
        self.commented_headers += headers(comment).filter(|header| header.opens).count();
        let first = line.split(|c: char| is_blank(c) || is_brace(c)).next().unwrap_or("");
        if std::mem::take(&mut scan.header_open) && line.starts_with(is_brace) {
            self.headers += 1;
        }
        let mut found = headers(line).peekable();
        if let Some(header) = found.peek() {
            self.pasted |= header.glued || !line.starts_with(header.name);
            scan.header_open = !header.opens;
        }
        let mut of_line = 0;
        for header in found {
            of_line += 1;
            self.headers += usize::from(header.opens);
            // Of the same block each node may have its own.
            if header.opens && header.name == "vrrp_instance" {
                self.pasted |= !scan.instances.insert(format!("{condition} {}", header.argument));
            }
            if header.opens && header.name == "global_defs" && condition.is_empty() {
                self.pasted |= std::mem::replace(&mut scan.global_defs, true);
            }
        }
        self.pasted |= of_line > 1;
        if of_line == 0 && !first.is_empty() {
            self.inner(line, first, scan.depth);
        }
        scan.depth = depth(line, scan.depth);
    }

    /// A line without the head of a block.
    fn inner(&mut self, line: &str, first: &str, depth: usize) {
        let glued = KEEPALIVED_WORDS.iter().any(|word| {
            first.strip_prefix(word).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        });
        self.pasted |= glued;
        if first.starts_with("include") && line.len() > first.len()
            || glued
            || KEEPALIVED_WORDS.contains(&first) && first.contains('_')
        {
            self.keepalived_words += 1;
            return;
        }
        let statement = first.starts_with(['$', '@', '~'])
            || first.contains('_') && first.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            || first == "SSL"
            || line.contains(is_brace)
            || KEEPALIVED_WORDS.contains(&first);
        self.pasted |= depth == 0 && !statement;
    }
}

/// What is carried from line to line.
#[derive(Debug, Default)]
struct Scan {
    depth: usize,
    /// The line before was the head of a block without its brace.
    header_open: bool,
    virtual_open: bool,
    global_defs: bool,
    instances: std::collections::BTreeSet<String>,
}

/// The head of a keepalived block.
struct Header<'a> {
    name: &'static str,
    /// The word behind it.
    argument: &'a str,
    /// Its name and the word behind it are one word.
    glued: bool,
    /// A brace follows on the line.
    opens: bool,
}

/// The heads in a text, wherever they stand.
fn headers(text: &str) -> impl Iterator<Item = Header<'_>> {
    let bounds = |c: char| is_blank(c) || is_brace(c);
    let mut end = 0_usize;
    text.split_inclusive(bounds).filter_map(move |word| {
        let start = end;
        end += word.len();
        let long = word.len() >= SHORTEST_BLOCK;
        let name = KEEPALIVED_BLOCKS.into_iter().find(|name| long && word.starts_with(name))?;
        let rest = text.get(start + name.len()..)?;
        let glued = rest.starts_with(|c: char| c.is_ascii_digit() || c.is_ascii_uppercase() || c == '[');
        if !glued && !rest.is_empty() && !rest.starts_with(bounds) {
            return None;
        }
        let argument = rest.trim_start_matches(is_blank).split(bounds).next().unwrap_or("");
        let opens = rest.chars().take(HEADER_LENGTH).any(is_brace);
        Some(Header { name, argument, glued, opens })
    })
}

/// Parts a line of keepalived from the comment behind it.
fn without_comment(line: &str) -> (&str, &str) {
    let mut quoted = false;
    for (at, c) in line.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '#' | '!' if !quoted => return line.split_at_checked(at).unwrap_or((line, "")),
            _ => {}
        }
    }
    (line, "")
}

/// Parts a line of keepalived from the `@id` before it, which says on which node it is there.
fn without_condition(line: &str) -> (&str, &str) {
    let length = if line.starts_with('@') { line.find(is_blank).unwrap_or(line.len()) } else { 0 };
    let (condition, rest) = line.split_at_checked(length).unwrap_or(("", line));
    (condition, rest.trim_start_matches(is_blank))
}

/// How deep in blocks the end of a line is, `${NAME}` passed over.
fn depth(line: &str, mut depth: usize) -> usize {
    let (mut quoted, mut variable, mut before) = (false, false, ' ');
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            '{' if before == '$' => variable = true,
            '}' if variable => variable = false,
            '{' | '\u{ff5b}' if !quoted => depth = depth.saturating_add(1),
            '}' | '\u{ff5d}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        before = c;
    }
    depth
}

/// Whether a line of ipvsadm's own begins with this word: `-A`, `-at`, `--add-service`.
fn is_command(word: &str) -> bool {
    let Some(rest) = word.strip_prefix(is_dash) else { return false };
    let long = rest.trim_start_matches(is_dash);
    if long.len() < rest.len() {
        return matches!(
            long.split('=').next().unwrap_or(long),
            "add-service"
                | "edit-service"
                | "delete-service"
                | "add-server"
                | "edit-server"
                | "delete-server"
                | "clear"
        );
    }
    let options = rest.strip_prefix(['A', 'E', 'D', 'a', 'e', 'd', 'C']);
    options.is_some_and(|more| more.is_empty() || more.starts_with(['t', 'u', 'f']))
}

/// A blank, or what looks like one.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

/// An opening brace, of whatever width.
fn is_brace(c: char) -> bool {
    matches!(c, '{' | '\u{ff5b}')
}

/// A hyphen, or what a text editor made of it.
fn is_dash(c: char) -> bool {
    matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{ff0d}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_of_a_text_shows_in_its_words() {
        use FileKind::{Ipvsadm, Keepalived, KeepalivedPaste, LvsCf};
        let node = "vrrp_instance VI_1 {\n  state MASTER\n}\n";
        for (text, kind) in [
            ("primary = 192.0.2.1\n", Some(LvsCf)),
            ("\u{feff}# x\n\nnetwork=nat\n", Some(LvsCf)),
            ("PRIMARY = 192.0.2.1\n", Some(LvsCf)),
            ("primary 192.0.2.1\n", Some(LvsCf)),
            ("virtual a {\n}\n", Some(LvsCf)),
            ("virtual a\n{\n}\n", Some(LvsCf)),
            ("?   serial_no = 1\n", Some(LvsCf)),
            ("ipvsadm = /sbin/ipvsadm\n", Some(LvsCf)),
            ("", None),
            ("# primary = 192.0.2.1\n", None),
            ("hello world\n", None),
            ("root:x:0:0:root:/root:/bin/sh\nbackup:x:34:34:backup:/var/backups:/usr/sbin/nologin\n", None),
            ("the network = the problem, virtual server\n", None),
            ("-A -t 192.0.2.1:80 -s wlc\n", Some(Ipvsadm)),
            ("# saved\n\n-a -t 192.0.2.1:80 -r 10.0.0.1:80 -m -w 1\n", Some(Ipvsadm)),
            ("--add-service --tcp-service 192.0.2.1:80\n", Some(Ipvsadm)),
            ("\u{2013}A \u{2013}t 192.0.2.1:80\n", Some(Ipvsadm)),
            ("/sbin/ipvsadm -A -t 192.0.2.1:80\n", Some(Ipvsadm)),
            ("#!/bin/sh\nsudo ipvsadm -C\n", Some(Ipvsadm)),
            ("#!/bin/sh\ntimeout=10\n[root@lb ~]# ipvsadm -C\n", Some(Ipvsadm)),
            ("IPVS=/sbin/ipvsadm\nif true; then $IPVSADM -C; fi\n", Some(Ipvsadm)),
            ("IP Virtual Server version 1.2.1 (size=4096)\n", Some(Ipvsadm)),
            ("#ipvsadm -A -t 192.0.2.1:80\n", None),
            (node, Some(Keepalived)),
            ("! Configuration File for keepalived\nglobal_defs\n{\n router_id a\n}\n", Some(Keepalived)),
            ("$VIP=10.0.0.1\n@high include x.conf\nvirtual_server ${VIP} 80 {\n}\n", Some(Keepalived)),
            ("include /etc/keepalived/conf.d/*.conf\n", Some(Keepalived)),
            ("vrrp_script a {\n script \"ipvsadm -L\"\n}\n", Some(Keepalived)),
            ("@a vrrp_instance V {\n}\n@b vrrp_instance V {\n}\n", Some(Keepalived)),
            ("@a global_defs {\n}\n@^a global_defs {\n}\n", Some(Keepalived)),
            ("virtual_server192.0.2.120 3306{\n}\n", Some(KeepalivedPaste)),
            ("vrrp_instance VI_1 {\n virtual_router_id51\n}\n", Some(KeepalivedPaste)),
            ("On the first node:\nvrrp_instance VI_1 {\n}\n", Some(KeepalivedPaste)),
            ("vrrp_instance VI_1 {\n}\nvrrp_instance VI_1 {\n}\n", Some(KeepalivedPaste)),
            ("global_defs {\n}\nglobal_defs {\n}\n", Some(KeepalivedPaste)),
            ("! Configuration File for keepalived global_defs { router_id a }", Some(KeepalivedPaste)),
            (
                "# ipvsadm -C\n# vi keepalived.conf\nvrrp_instance VI_1 {\n}\nservice keepalived start\n",
                Some(KeepalivedPaste),
            ),
        ] {
            assert_eq!(detect(text), kind, "{text}");
        }
    }

    #[test]
    fn no_block_is_too_short_to_be_looked_for() {
        assert_eq!(KEEPALIVED_BLOCKS.iter().map(|name| name.len()).min(), Some(SHORTEST_BLOCK));
    }

    #[test]
    fn long_lines_are_looked_at_once() {
        for text in ["_", "virtual_server ", "virtual_server{", "global_defs ", "-", "ipvsadm ", "\""] {
            let long = text.repeat((1 << 20) / text.len());
            let _ = detect(&long);
        }
    }
}
