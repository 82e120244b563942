//! What went wrong with one operation on the kernel, typed by what a caller can do about it.

/// What kind of failure it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// What was to be added is there already.
    Exists,
    /// What was to be changed or used is not there.
    Gone,
    /// A capability is missing (CAP_NET_ADMIN, CAP_NET_RAW).
    Denied,
    /// This kernel cannot do it: no IPVS, no such scheduler, no such parameter, no Ethernet address.
    Unsupported,
    /// The kernel refuses these values, and will refuse them again.
    Invalid,
    /// Something else is using it at this moment.
    Busy,
    /// It may work next time: out of memory, no answer, interface down.
    Transient,
}

/// A failed operation, in words for an operator: what was attempted, and why it did not happen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{operation}: {reason}")]
pub struct Error {
    /// What was attempted, naming the object (`add real server 10.0.0.1:80 to tcp 192.0.2.1:80`).
    pub operation: String,
    /// What a caller can do about it.
    pub kind: Kind,
    /// Why it failed.
    pub reason: String,
    errno: Option<i32>,
}

impl Error {
    /// An error of our own making, without a kernel error number.
    pub fn new(operation: impl Into<String>, kind: Kind, reason: impl Into<String>) -> Self {
        Error { operation: operation.into(), kind, reason: reason.into(), errno: None }
    }

    /// An error that the kernel answered.
    pub(crate) fn answered(
        operation: impl Into<String>,
        kind: Kind,
        reason: impl Into<String>,
        errno: Errno,
    ) -> Self {
        Error { operation: operation.into(), kind, reason: reason.into(), errno: Some(errno.0) }
    }

    /// The kernel's error number, where it gave one.
    pub fn errno(&self) -> Option<i32> {
        self.errno
    }
}

/// A kernel error number, positive.
///
/// Kept as a number until it is put into words: C libraries differ in their texts for the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Errno(pub(crate) i32);

impl From<std::io::Error> for Errno {
    fn from(error: std::io::Error) -> Self {
        Errno(error.raw_os_error().unwrap_or(libc::EIO))
    }
}

impl From<crate::wire::Malformed> for Errno {
    fn from(_: crate::wire::Malformed) -> Self {
        Errno(libc::EBADMSG)
    }
}
