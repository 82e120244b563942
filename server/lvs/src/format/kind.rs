//! The kinds of text that can be read, by the words that people choose them with.

use std::fmt;
use std::str::FromStr;

/// A kind of text that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// Piranha's lvs.cf.
    LvsCf,
    /// What `ipvsadm -S` prints and `ipvsadm -R` reads, and shell scripts that call ipvsadm.
    Ipvsadm,
    /// A keepalived.conf, as keepalived reads it; several are the nodes of one cluster.
    Keepalived,
    /// Any text that one or more keepalived.conf were pasted into.
    KeepalivedPaste,
}

impl FileKind {
    /// All of them.
    pub const ALL: [FileKind; 4] =
        [FileKind::LvsCf, FileKind::Ipvsadm, FileKind::Keepalived, FileKind::KeepalivedPaste];

    /// The word on the command line (`--from`) and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            FileKind::LvsCf => "lvs.cf",
            FileKind::Ipvsadm => "ipvsadm",
            FileKind::Keepalived => "keepalived",
            FileKind::KeepalivedPaste => "keepalived-paste",
        }
    }

    /// Whether several texts of this kind can be read together.
    pub fn takes_several(self) -> bool {
        self == FileKind::Keepalived
    }
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that names no [`FileKind`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown kind of file {0:?}; there are lvs.cf, ipvsadm, keepalived and keepalived-paste")]
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
