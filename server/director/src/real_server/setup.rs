//! Makes this machine a real server for direct routing or tunnels, or undoes it. What was there before is on the disk before
//! the first change, so that an interrupted set-up is undone like a whole one.

use std::path::Path;

use kernel::{Kernel, Links, LinuxKernel};
use lvs::real_server::{Action, Conflict, Machine, Record, Wanted, parameters_looked_at, plan};

use crate::disk::{DiskError, Folder, LoadError};

const RECORD: &str = "set-up.json";
const REMEDY: &str = "what this machine was before is not known any more: look at its addresses (ip addr) and kernel \
                      parameters, then remove the file";

/// Why a machine is not set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// It would not work, or would do harm.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// The record of what was there before.
    #[error(transparent)]
    Record(#[from] LoadError),
    /// The kernel refuses.
    #[error("{0}; what was done until then is recorded and can be undone (--undo)")]
    Kernel(kernel::Error),
    /// The kernel cannot be looked at.
    #[error(transparent)]
    Observe(kernel::Error),
}

impl From<DiskError> for SetupError {
    fn from(error: DiskError) -> Self {
        SetupError::Record(error.into())
    }
}

/// Sets this machine up as `wanted`, or undoes all that was set up; `dry` only says how. Returns the steps in words of ip and
/// sysctl; none where nothing is to be done.
///
/// # Errors
/// When nothing was done because it would not work, or when a step failed; those before it are recorded.
pub fn set_up(folder: &Path, wanted: Option<&Wanted>, dry: bool) -> Result<Vec<String>, SetupError> {
    let mut kernel = LinuxKernel::without_ipvs().map_err(SetupError::Observe)?;
    with(&mut kernel, folder, wanted, dry)
}

/// Has the kernel load what [`set_up`] needs of it, and does nothing else: for a machine where that runs without the right
/// to. Returns what was loaded in the words of modprobe.
///
/// # Errors
/// When nothing was loaded because it would not work, or the kernel cannot be looked at.
pub fn load_modules(folder: &Path, wanted: Option<&Wanted>) -> Result<Vec<String>, SetupError> {
    let mut kernel = LinuxKernel::without_ipvs().map_err(SetupError::Observe)?;
    let folder = Folder::there(folder);
    let read = folder.map(|folder| folder.read_json::<Record>(RECORD, REMEDY)).transpose()?;
    let record = read.flatten().unwrap_or_default();
    let (actions, _) = plan(wanted, &observe(&mut kernel, wanted, &record)?, &record)?;
    let mut said = Vec::new();
    for action in actions {
        if let Action::Provide(end) = action {
            kernel.provide(end);
            said.push(action.to_string());
        }
    }
    Ok(said)
}

fn with(
    kernel: &mut (impl Kernel + Links),
    folder: &Path,
    wanted: Option<&Wanted>,
    dry: bool,
) -> Result<Vec<String>, SetupError> {
    // Only looking leaves no trace.
    let folder = if dry && !folder.exists() { None } else { Some(Folder::open(folder)?) };
    let read = folder.as_ref().map(|folder| folder.read_json::<Record>(RECORD, REMEDY)).transpose()?;
    let record = read.flatten().unwrap_or_default();
    let machine = observe(kernel, wanted, &record)?;
    let (actions, _) = plan(wanted, &machine, &record)?;
    let mut said: Vec<String> = actions.iter().map(ToString::to_string).collect();
    let Some(folder) = folder.filter(|_| !dry) else { return Ok(said) };

    // An end of tunnels comes with parameters of its own, whose values are to be recorded as well.
    let ends: Vec<_> = actions
        .iter()
        .filter_map(|action| if let Action::Provide(end) = action { Some(*end) } else { None })
        .collect();
    let (actions, next) = if ends.is_empty() {
        plan(wanted, &machine, &record)?
    } else {
        ends.iter().for_each(|end| kernel.provide(*end));
        let planned = plan(wanted, &observe(kernel, wanted, &record)?, &record)?;
        said = ends
            .iter()
            .map(|end| Action::Provide(*end))
            .chain(planned.0.clone())
            .map(|a| a.to_string())
            .collect();
        planned
    };
    if let Some(Action::Provide(end)) = actions.iter().find(|action| matches!(action, Action::Provide(_))) {
        return Err(Conflict::missing(*end).into());
    }
    if next != record && wanted.is_some() {
        // Old and new together: whichever of the steps are done, each can be undone.
        folder.write(RECORD, &bytes(&both(&record, &next)))?;
    }
    for action in &actions {
        match action {
            Action::Provide(_) => {}
            Action::Switch { interface, up } => kernel.switch(interface, *up).map_err(SetupError::Kernel)?,
            Action::Listen { port, on } => kernel.listen(*port, *on).map_err(SetupError::Kernel)?,
            Action::Step(step) => {
                let result = kernel.apply(std::slice::from_ref(step)).pop();
                result.unwrap_or(Ok(())).map_err(SetupError::Kernel)?;
            }
        }
    }
    if next == Record::default() {
        folder.remove(RECORD)?;
    } else if next != record {
        folder.write(RECORD, &bytes(&next))?;
    }
    Ok(said)
}

fn observe(
    kernel: &mut (impl Kernel + Links),
    wanted: Option<&Wanted>,
    record: &Record,
) -> Result<Machine, SetupError> {
    let observed = kernel.observe(&parameters_looked_at(wanted, record)).map_err(SetupError::Observe)?;
    // Who may not ask for ports is not stopped by it where none is concerned.
    let asked = !record.gue.is_empty() || wanted.is_some_and(Wanted::takes_gue);
    let gue = if asked { kernel.gue_ports().map_err(SetupError::Observe)? } else { None };
    Ok(Machine { observed, gue })
}

fn both(old: &Record, new: &Record) -> Record {
    let mut all = new.clone();
    all.parameters.extend(old.parameters.clone());
    all.addresses.extend(old.addresses.iter().cloned());
    all.links.extend(old.links.iter().cloned());
    all.gue.extend(old.gue.iter().copied());
    all
}

/// A record is plain data; it always has a text.
fn bytes(record: &Record) -> Vec<u8> {
    serde_json::to_vec(record).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use kernel::{Kind, MemoryKernel};
    use lvs::real_server::{Encapsulation, Mode};
    use lvs::table::AddressKey;

    use super::*;

    fn wanted(mode: Mode) -> Wanted {
        Wanted { mode, vips: ["192.0.2.250".parse().unwrap()].into() }
    }

    fn whole(kernel: &MemoryKernel) -> (Vec<(AddressKey, bool)>, Vec<String>) {
        let names: BTreeSet<String> = ["all", "tunl0"]
            .iter()
            .flat_map(|of| {
                ["arp_ignore", "arp_announce", "rp_filter"].map(|leaf| format!("net.ipv4.conf.{of}.{leaf}"))
            })
            .collect();
        let seen = kernel.clone().observe(&names).unwrap();
        let addresses =
            seen.addresses.keys().map(|key| (key.clone(), seen.links[&key.interface].up)).collect();
        (addresses, seen.sysctls.values().cloned().collect())
    }

    #[test]
    fn a_machine_is_shown_set_up_and_undone() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("real-server");
        let mut kernel = MemoryKernel::new();
        kernel.set_parameter("net.ipv4.conf.all.rp_filter", Some("1"));
        let before = whole(&kernel);
        let tunnel = wanted(Mode::Tunnel(Encapsulation::Ipip));
        let shown = with(&mut kernel, &folder, Some(&tunnel), true).unwrap();
        assert_eq!((whole(&kernel), folder.exists()), (before.clone(), false), "only shown");
        let said = with(&mut kernel, &folder, Some(&tunnel), false).unwrap();
        assert!(
            said.contains(&"modprobe ipip".to_owned()) && said.len() == shown.len(),
            "{said:?} {shown:?}"
        );
        let (addresses, parameters) = whole(&kernel);
        assert!(matches!(addresses.as_slice(), [(key, true)] if key.interface == "tunl0"), "{addresses:?}");
        assert_eq!(parameters, ["2", "1", "1", "0", "0", "2"]);
        assert!(with(&mut kernel, &folder, Some(&tunnel), false).unwrap().is_empty());
        assert_eq!(with(&mut kernel, &folder, None, true).unwrap().len(), 5);
        with(&mut kernel, &folder, None, false).unwrap();
        assert_eq!(whole(&kernel).0, []);
        assert_eq!(whole(&kernel).1[..3], before.1[..3]);
        assert!(with(&mut kernel, &folder, None, false).unwrap().is_empty(), "there is nothing left");
    }

    #[test]
    fn what_was_interrupted_is_finished_or_undone() {
        for failing in 1..=3 {
            let place = tempfile::tempdir().unwrap();
            let mut kernel = MemoryKernel::new();
            let before = whole(&kernel);
            kernel.fail_nth(failing, Kind::Denied);
            let direct = wanted(Mode::Direct);
            let error = with(&mut kernel, place.path(), Some(&direct), false).unwrap_err().to_string();
            assert!(error.contains("--undo"), "{error}");
            let mut other = kernel.clone();
            with(&mut other, place.path(), None, false).unwrap();
            assert_eq!(whole(&other), before, "undone after failure {failing}");
            with(&mut kernel, place.path(), Some(&direct), false).unwrap();
            assert_eq!(whole(&kernel).0.len(), 1);
        }
    }

    #[test]
    fn gue_is_taken_and_its_port_is_given_back() {
        let place = tempfile::tempdir().unwrap();
        let mut kernel = MemoryKernel::new();
        let gue = wanted(Mode::Tunnel(Encapsulation::Gue { port: 6080 }));
        let said = with(&mut kernel, place.path(), Some(&gue), false).unwrap();
        let at = |line: &str| said.iter().position(|found| found == line).unwrap();
        assert!(at("modprobe fou") < at("ip fou add port 6080 gue"), "{said:?}");
        assert_eq!(kernel.gue_ports().unwrap().unwrap().len(), 1);
        assert!(with(&mut kernel, place.path(), Some(&gue), false).unwrap().is_empty());
        let undone = with(&mut kernel, place.path(), None, false).unwrap();
        assert!(undone.contains(&"ip fou del port 6080".to_owned()), "{undone:?}");
        assert_eq!(kernel.gue_ports().unwrap().unwrap().len(), 0);
        assert!(!place.path().join(RECORD).exists());
    }

    #[test]
    fn a_broken_record_stops_it() {
        let place = tempfile::tempdir().unwrap();
        std::fs::write(place.path().join(RECORD), "{").unwrap();
        let error = with(&mut MemoryKernel::new(), place.path(), None, false).unwrap_err().to_string();
        assert!(error.contains(RECORD) && error.contains("ip addr"), "{error}");
    }
}
