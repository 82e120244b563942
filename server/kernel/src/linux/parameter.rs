//! Kernel parameters as files under `/proc/sys`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::error::{Errno, Error};
use crate::explain::failed;

/// Parameters with an interface's name in the middle; that name may contain dots of its own (`eth0.100`).
const BY_INTERFACE: [&str; 4] = ["net.ipv4.conf.", "net.ipv6.conf.", "net.ipv4.neigh.", "net.ipv6.neigh."];

/// The file of a dotted name; none for a name that would leave `/proc/sys`.
///
/// An interface `eth0.100` may be written with its dot or, as sysctl(8) does, as `eth0/100`.
pub(super) fn path(name: &str) -> Option<PathBuf> {
    let by_interface = BY_INTERFACE.iter().find_map(|prefix| {
        let (interface, leaf) = name.strip_prefix(prefix)?.rsplit_once('.')?;
        let mut parts: Vec<String> = prefix.trim_end_matches('.').split('.').map(str::to_owned).collect();
        parts.push(interface.replace('/', "."));
        parts.push(leaf.to_owned());
        Some(parts)
    });
    let parts = by_interface.unwrap_or_else(|| name.split('.').map(|part| part.replace('/', ".")).collect());
    let sound =
        |part: &String| !part.is_empty() && part != "." && part != ".." && !part.contains(['/', '\0']);
    parts.iter().all(sound).then(|| {
        let mut path = PathBuf::from("/proc/sys");
        path.extend(parts);
        path
    })
}

/// The value of one parameter, blanks normalised; none where the kernel has no such parameter.
pub(crate) fn read(name: &str) -> Result<Option<String>, Errno> {
    let Some(path) = path(name) else { return Ok(None) };
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text.split_whitespace().collect::<Vec<_>>().join(" "))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The values of those parameters that the kernel has.
pub(super) fn read_all(names: &BTreeSet<String>) -> Result<BTreeMap<String, String>, Error> {
    let mut values = BTreeMap::new();
    for name in names {
        let value = read(name).map_err(|errno| failed(format!("read {name}"), errno))?;
        if let Some(value) = value {
            values.insert(name.clone(), value);
        }
    }
    Ok(values)
}

/// Writes one parameter.
pub(super) fn write(name: &str, value: &str) -> Result<(), Errno> {
    let path = path(name).ok_or(Errno(libc::ENOENT))?;
    // Never creates: under /proc/sys a missing file means a missing parameter.
    let mut file = std::fs::OpenOptions::new().write(true).open(path)?;
    std::io::Write::write_all(&mut file, value.as_bytes()).map_err(Errno::from)
}

#[cfg(test)]
mod tests {
    use super::path;

    fn of(name: &str) -> Option<String> {
        path(name).map(|path| path.display().to_string())
    }

    #[test]
    fn dots_become_folders_except_within_an_interface_name() {
        let found = [
            of("net.ipv4.ip_forward"),
            of("net.ipv4.conf.eth0.promote_secondaries"),
            of("net.ipv4.conf.eth0.100.promote_secondaries"),
            of("net.ipv4.conf.eth0/100.promote_secondaries"),
            of("net.ipv4.vs.backup_only"),
        ]
        .map(Option::unwrap);
        assert_eq!(
            found,
            [
                "/proc/sys/net/ipv4/ip_forward",
                "/proc/sys/net/ipv4/conf/eth0/promote_secondaries",
                "/proc/sys/net/ipv4/conf/eth0.100/promote_secondaries",
                "/proc/sys/net/ipv4/conf/eth0.100/promote_secondaries",
                "/proc/sys/net/ipv4/vs/backup_only",
            ]
        );
    }

    #[test]
    fn no_name_leaves_proc_sys() {
        for name in ["", ".", "..", "net..x", "a.//.b", "net.ipv4.conf.//.x", "net.ipv4.conf...x", "a\0b"] {
            assert_eq!(of(name), None, "{name:?}");
        }
    }
}
