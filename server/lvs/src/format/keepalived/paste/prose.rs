//! What in a post is no configuration: sentences, prompts, commands, remarks in another script.

use crate::format::keepalived::lexer::{Kind, Token, is_blank_to_the_eye};
use crate::format::keepalived::syntax_blocks::glue;
use crate::format::keepalived::syntax_line::Line;
use crate::format::keepalived::syntax_words::Block;

/// What distributions write into the first line of a file.
const FIRST_WORDS: &str = "Configuration File for keepalived";

/// Programs whose command lines are pasted together with files.
const COMMANDS: &[&str] = &[
    "apt",
    "apt-get",
    "cat",
    "cd",
    "chmod",
    "cp",
    "curl",
    "diff",
    "echo",
    "egrep",
    "grep",
    "head",
    "ifconfig",
    "ip",
    "iptables",
    "ipvsadm",
    "journalctl",
    "less",
    "ls",
    "modprobe",
    "more",
    "mv",
    "nano",
    "ping",
    "ps",
    "scp",
    "sed",
    "service",
    "ssh",
    "sudo",
    "sysctl",
    "systemctl",
    "tail",
    "tcpdump",
    "touch",
    "vi",
    "vim",
    "watch",
    "wget",
    "yum",
];

/// Whether a line is what a shell printed before a command; the host name, where it is in it.
pub(super) fn prompt(line: &str) -> Option<Option<String>> {
    let inner = line.strip_prefix('[');
    let (user, behind) = inner.unwrap_or(line).split_once('@')?;
    let is_name = |name: &str| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    let length = behind.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')))?;
    let (host, rest) = behind.split_at_checked(length)?;
    // `[root@lvs1 ~]# ` or `root@lvs1:~$ `; an address of mail has neither.
    let folder = rest.strip_prefix(if inner.is_some() { ' ' } else { ':' })?;
    let folder = folder.get(..folder.find(['#', '$'])?)?;
    let shell = folder.len() < 80 && (inner.is_none() || folder.ends_with(']'));
    (is_name(user) && is_name(host) && shell).then(|| {
        let name = host.split('.').next().unwrap_or(host);
        Some(name.to_owned())
    })
}

/// Bytes up to what follows the first words of a file, where a line begins with them.
pub(super) fn first_words_of_a_file(line: &str) -> Option<usize> {
    let start = line.find(|c: char| !is_blank_to_the_eye(c) && !matches!(c, '!' | '#'))?;
    let head = line.get(start..start + FIRST_WORDS.len())?;
    head.eq_ignore_ascii_case(FIRST_WORDS).then_some(start + FIRST_WORDS.len())
}

/// Takes out a remark that begins with a character no configuration has outside quotes; whether there was one. A brace
/// at the end of the line stays.
pub(super) fn cut_remark(line: &Line, tokens: &mut Vec<Token>) -> bool {
    let is_foreign = |c: char| !c.is_ascii() && !is_blank_to_the_eye(c);
    let names = |index: usize| {
        // The name of an instance may be in any script.
        index == 1
            && tokens.first().is_some_and(|first| Block::Top.child(&first.text).is_some())
            && tokens.get(2).is_none_or(|next| next.kind == Kind::Open)
    };
    let found = tokens.iter().enumerate().find_map(|(index, token)| {
        let plain = token.kind == Kind::Word && !token.quoted && !names(index);
        let at = token.text.find(is_foreign).filter(|_| plain)?;
        Some((index, at))
    });
    let Some((index, at)) = found else { return false };
    let brace = tokens.last().filter(|last| last.kind != Kind::Word).cloned();
    let at_end = brace.filter(|brace| line.text.get(brace.end..).is_some_and(|rest| rest.trim().is_empty()));
    tokens.truncate(index + 1);
    match tokens.last_mut().filter(|_| at > 0) {
        Some(token) => {
            // Text and place run side by side, for nothing is replaced in a word without quotes.
            token.text.truncate(at);
            token.end = token.start + at;
        }
        None => _ = tokens.pop(),
    }
    tokens.extend(at_end);
    true
}

/// Whether a line could be the name of a block whose brace follows on the next one.
pub(super) fn may_begin_block(tokens: &[Token]) -> bool {
    let first = tokens.first().filter(|first| first.kind == Kind::Word && !first.quoted);
    first.is_some_and(|first| glue::header(&first.text).is_some())
        && tokens.len() <= 4
        && tokens.iter().all(|token| token.kind == Kind::Word)
}

/// Whether a line of unknown words is a sentence or a command.
pub(super) fn reads_like_prose(line: &str, tokens: &[Token]) -> bool {
    let Some(first) = tokens.first() else { return true };
    let words = tokens.iter().filter(|token| token.kind == Kind::Word).count();
    let braces = words < tokens.len();
    let ends = line.trim_end().ends_with(['.', ':', '?', ',', ';', ')']);
    let all_letters = tokens.iter().all(|token| token.text.chars().all(|c| c.is_alphabetic() || c == '\''));
    COMMANDS.contains(&first.text.as_str())
        || first.text.starts_with(['[', '*', '<', '(', '~', '.'])
        || (!braces && (ends || words >= 6 || (words >= 3 && all_letters)))
        || first.text.bytes().all(|byte| byte.is_ascii_digit())
}
