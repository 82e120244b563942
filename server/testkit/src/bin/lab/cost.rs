//! What programs cost: processor time and memory of a process with its children, as the kernel accounts for them.
//!
//! Never starts or ends anything. Called by the scenarios that measure.

use std::time::Duration;

use anyhow::{Result, bail};

/// How long a program may keep the processor busy before it rests.
const BUSY: Duration = Duration::from_secs(300);
/// Looked at so often;
const LOOK: Duration = Duration::from_millis(50);
/// at rest is who has used next to nothing for so many looks.
const LOOKS: u32 = 10;
/// Next to nothing, in nanoseconds.
const NOTHING: u64 = 500_000;

/// Nanoseconds on the processor: of all threads of a process and its children, and of those whose name begins so.
pub(crate) fn spent(process: u32, name: &str) -> Result<(u64, u64)> {
    let (mut all, mut named) = (0, 0);
    for process in family(process)? {
        for task in std::fs::read_dir(format!("/proc/{process}/task"))? {
            let task = task?.path();
            let read = |file: &str| std::fs::read_to_string(task.join(file)).unwrap_or_default();
            let time: u64 =
                read("schedstat").split(' ').next().and_then(|word| word.parse().ok()).unwrap_or(0);
            all += time;
            if read("comm").starts_with(name) {
                named += time;
            }
        }
    }
    Ok((all, named))
}

/// Waits until a process and its children leave the processor alone; what they have used since they began.
pub(crate) fn at_rest(process: u32) -> Result<u64> {
    let (mut last, mut looks, mut waited) = (spent(process, "")?.0, 0, Duration::ZERO);
    while looks < LOOKS {
        if waited > BUSY {
            bail!("process {process} has not rested for {} s", BUSY.as_secs());
        }
        std::thread::sleep(LOOK);
        waited += LOOK;
        let now = spent(process, "")?.0;
        looks = if now.saturating_sub(last) < NOTHING { looks + 1 } else { 0 };
        last = now;
    }
    Ok(last)
}

/// A process and its children.
fn family(process: u32) -> Result<Vec<u32>> {
    let children = std::fs::read_to_string(format!("/proc/{process}/task/{process}/children"))?;
    Ok([process].into_iter().chain(children.split_whitespace().filter_map(|id| id.parse().ok())).collect())
}

/// What of a process and its children is in memory, in KiB; pages that they share are counted for each.
pub(crate) fn memory_kib(process: u32) -> Result<u64> {
    let mut sum = 0;
    for process in family(process)? {
        let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        sum += line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0);
    }
    Ok(sum)
}
