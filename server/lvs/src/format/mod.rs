//! The files administrators bring, and the texts they can take out again.
//!
//! Every reader takes a text and gives a [`Reading`]: a cluster that the console and the API accept, and findings
//! that name the line. Nothing here opens a file or asks the network. Called by the console's import and by
//! `caribe check`, which so say the same of the same text.

mod collector;
pub mod ipvsadm;
pub mod lvs_cf;
mod places;
pub mod report;

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use crate::finding::{Code, Finding, Findings};
use crate::model::Cluster;

/// What a text was found to say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// The cluster; there exactly when no finding is an error.
    pub cluster: Option<Cluster>,
    /// What is wrong and what was assumed, by line.
    pub findings: Findings,
}

/// A kind of text that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// Piranha's lvs.cf.
    LvsCf,
    /// What `ipvsadm -S` prints and `ipvsadm -R` reads.
    Ipvsadm,
}

impl FileKind {
    /// All of them.
    pub const ALL: [FileKind; 2] = [FileKind::LvsCf, FileKind::Ipvsadm];

    /// The word on the command line (`--from`).
    pub fn as_str(self) -> &'static str {
        match self {
            FileKind::LvsCf => "lvs.cf",
            FileKind::Ipvsadm => "ipvsadm",
        }
    }
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that names no [`FileKind`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown kind of file {0:?}; there are lvs.cf and ipvsadm")]
pub struct UnknownFileKind(pub String);

impl FromStr for FileKind {
    type Err = UnknownFileKind;

    fn from_str(text: &str) -> Result<Self, UnknownFileKind> {
        FileKind::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| UnknownFileKind(text.to_owned()))
    }
}

/// The kind that a text looks like, from its first lines that are no comment; an lvs.cf where nothing tells.
pub fn detect(text: &str) -> FileKind {
    let significant = |line: &&str| !line.is_empty() && !line.starts_with('#');
    for line in text.trim_start_matches('\u{feff}').lines().map(str::trim).filter(significant).take(200) {
        let mut words = line.split_whitespace();
        let first = words.next().unwrap_or("");
        let program = first.rsplit('/').next().unwrap_or("");
        if matches!(program, "ipvsadm" | "sudo") && line.contains(" -")
            || line.starts_with("IP Virtual Server")
        {
            return FileKind::Ipvsadm;
        }
        let command = matches!(first, "-A" | "-a" | "-E" | "-e" | "-C")
            || matches!(
                first,
                "--add-service" | "--add-server" | "--edit-service" | "--edit-server" | "--clear"
            );
        if command {
            return FileKind::Ipvsadm;
        }
        let second = words.next().unwrap_or("");
        if second == "=" || matches!(first, "virtual" | "failover") || line.contains('=') {
            return FileKind::LvsCf;
        }
    }
    FileKind::LvsCf
}

/// Reads a text of a known kind, the cluster's own rules included.
pub fn read(text: &str, kind: FileKind) -> Reading {
    match kind {
        FileKind::LvsCf => lvs_cf::read(text),
        FileKind::Ipvsadm => {
            let (cluster, findings) = ipvsadm::read_cluster(text);
            Reading { cluster, findings }
        }
    }
}

/// The text of a file. Old files are Latin-1 now and then; each of their bytes is then a character.
pub fn decode(bytes: &[u8]) -> (Cow<'_, str>, Option<Finding>) {
    let Err(error) = std::str::from_utf8(bytes) else {
        return (String::from_utf8_lossy(bytes), None);
    };
    let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
    let before = String::from_utf8_lossy(valid);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).saturating_add(1);
    let line = count(before.matches('\n').count());
    let column = count(before.get(line_start..).unwrap_or("").chars().count());
    let text: String = bytes.iter().copied().map(char::from).collect();
    (Cow::Owned(text), Some(Finding::line(line, column, Code::FileEncoding).warning()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Place;

    #[test]
    fn the_kind_of_a_text_shows_in_its_first_lines() {
        for (text, kind) in [
            ("primary = 192.0.2.1\n", FileKind::LvsCf),
            ("\u{feff}# x\n\nnetwork=nat\n", FileKind::LvsCf),
            ("virtual a {\n}\n", FileKind::LvsCf),
            ("", FileKind::LvsCf),
            ("-A -t 192.0.2.1:80 -s wlc\n", FileKind::Ipvsadm),
            ("# saved\n\n-a -t 192.0.2.1:80 -r 10.0.0.1:80 -m -w 1\n", FileKind::Ipvsadm),
            ("--add-service --tcp-service 192.0.2.1:80\n", FileKind::Ipvsadm),
            ("/sbin/ipvsadm -A -t 192.0.2.1:80\n", FileKind::Ipvsadm),
            ("#!/bin/sh\nsudo ipvsadm -C\n", FileKind::Ipvsadm),
            ("ipvsadm = /sbin/ipvsadm\n", FileKind::LvsCf),
        ] {
            assert_eq!(detect(text), kind, "{text}");
        }
        for kind in FileKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        assert!("xml".parse::<FileKind>().is_err());
    }

    #[test]
    fn old_encodings_are_read_and_said() {
        assert_eq!(decode("é".as_bytes()), (Cow::Borrowed("é"), None));
        let (text, finding) = decode(b"# \xc3\xa9\n# K\xf6ln\n");
        assert_eq!(text, "# Ã©\n# Köln\n");
        assert_eq!(finding.unwrap().place, Place::Line { line: 2, column: 4 });
    }
}
