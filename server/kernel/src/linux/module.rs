//! Loading of kernel modules by `modprobe`, for those parts of IPVS that the kernel should not load by itself.
//!
//! The kernel loads a missing scheduler while it holds the lock of the IPVS table. `ip_vs_lblc` and `ip_vs_lblcr` then
//! wait for the lock of all network namespaces, and a namespace that is being destroyed at that moment holds that one
//! and waits for the table's: none of them ever goes on, and every later change of any interface hangs as well (seen on
//! Linux 6.1). So schedulers are loaded before they are used, with no lock held. What was loaded is seen by using it;
//! failing here is no error.

use std::path::Path;
use std::process::{Command, Stdio};

/// Where `modprobe` is; the first that exists is run.
const MODPROBE: [&str; 2] = ["/sbin/modprobe", "/usr/sbin/modprobe"];

/// Loads the module of a scheduler, unless it is there; false where it is not there afterwards either, because it is
/// built in or because this kernel has none.
pub(super) fn load_scheduler(scheduler: &str) -> bool {
    // Module names are plain words; anything else is no scheduler, and the kernel will say so.
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if scheduler.is_empty() || scheduler.len() > 15 || !scheduler.bytes().all(plain) {
        return false;
    }
    let module = format!("ip_vs_{scheduler}");
    let there = || Path::new("/sys/module").join(&module).exists();
    if !there() {
        load(&module);
    }
    there()
}

/// Loads a module.
pub(crate) fn load(module: &str) {
    let Some(program) = MODPROBE.iter().find(|path| Path::new(path).exists()) else {
        tracing::debug!(module, "the kernel module is not loaded, and there is no modprobe");
        return;
    };
    let status = Command::new(program)
        .arg(module)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match status {
        Ok(status) if status.success() => tracing::info!(module, "loaded the kernel module"),
        Ok(status) => tracing::warn!(module, %status, "the kernel module could not be loaded"),
        Err(error) => tracing::warn!(module, %error, "modprobe could not be run"),
    }
}
