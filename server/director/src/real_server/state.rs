//! What the machine is to do, in a file of its folder that people and programs may write, and its load.

use std::path::{Path, PathBuf};

use lvs::health::AgentState;
use lvs::real_server::{Limits, Report, load_average, read_state, write_state};

use crate::disk::{DiskError, Folder};

const STATE: &str = "state";
/// The longest state file that is read.
const LONGEST: u64 = 4096;

/// Writes what the machine is to do; the load agent says it from the next question on. Returns the file.
///
/// # Errors
/// When the file cannot be written.
pub fn change_state(folder: &Path, state: AgentState, reason: &str) -> Result<PathBuf, DiskError> {
    let folder = Folder::open(folder)?;
    folder.write(STATE, write_state(state, reason).as_bytes())?;
    Ok(folder.path(STATE))
}

/// What the load agent says at this moment, and what is wrong with what it says it by.
pub fn report(folder: &Path, limits: &Limits) -> (Report, Option<String>) {
    let mut wrong = None;
    let (state, reason) = match read(&folder.join(STATE)) {
        Ok((state, reason)) => (Some(state), reason),
        Err(error) => {
            wrong = Some(error);
            (None, String::new())
        }
    };
    let processors = std::thread::available_parallelism().map_or(1, |count| count.get());
    let processors = u32::try_from(processors).unwrap_or(u32::MAX);
    let load = std::fs::read_to_string("/proc/loadavg").ok().as_deref().and_then(load_average);
    if load.is_none() {
        wrong
            .get_or_insert_with(|| "/proc/loadavg cannot be read; no share of the weight is said".to_owned());
    }
    let share = load.map(|load| limits.share(load, processors));
    (Report { share, state, reason, load, processors }, wrong)
}

/// What the file says; a missing one says ready.
fn read(path: &Path) -> Result<(AgentState, String), String> {
    use std::io::Read as _;
    let named = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok((AgentState::Ready, String::new()));
        }
        Err(error) => return Err(named(&error)),
    };
    let mut text = String::new();
    file.take(LONGEST).read_to_string(&mut text).map_err(|error| named(&error))?;
    read_state(&text).map_err(|error| named(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_taken_from_the_file_and_a_wrong_one_is_said_to_nobody() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("real-server");
        let said = || report(&folder, &Limits::default());
        assert_eq!(said().0.state, Some(AgentState::Ready), "no file, no order");
        assert!(said().0.share.is_some_and(|share| share <= 100) && said().1.is_none());
        let file = change_state(&folder, AgentState::Maintenance, "new disk").unwrap();
        let (report, _) = said();
        assert_eq!((report.state, report.reason.as_str()), (Some(AgentState::Maintenance), "new disk"));
        std::fs::write(&file, "off\n").unwrap();
        let (report, wrong) = said();
        assert_eq!(report.state, None, "directors keep to what was said before");
        assert!(wrong.is_some_and(|text| text.contains("drain") && text.contains("state")));
        std::fs::remove_file(&file).unwrap();
        std::fs::create_dir(&file).unwrap();
        assert!(said().1.is_some());
    }
}
