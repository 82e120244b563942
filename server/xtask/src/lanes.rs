//! Work in lanes: what can bear company runs several at a time, what needs the machine for itself runs after it, one at
//! a time. Never starts anything on its own and never repeats what failed. Called by the lab.

use std::collections::VecDeque;
use std::sync::Mutex;

/// Something to do.
pub struct Job<T> {
    /// What.
    pub work: T,
    /// Whether nothing else may run meanwhile.
    pub alone: bool,
}

/// How many lanes this machine bears: a guest keeps one processor busy most of the time, and the second now and then.
pub fn fitting() -> usize {
    std::thread::available_parallelism().map_or(1, |processors| processors.get().clamp(1, 2))
}

/// Does all jobs, and returns what came of each in the order given. `run` is told whether it has company.
pub fn run<T: Send, R: Send>(lanes: usize, jobs: Vec<Job<T>>, run: impl Fn(T, bool) -> R + Sync) -> Vec<R> {
    let numbered = jobs.into_iter().enumerate();
    let (alone, together): (VecDeque<_>, VecDeque<_>) = numbered.partition(|(_, job)| job.alone || lanes < 2);
    let company = together.len() > 1;
    let mut results = in_lanes(lanes, together, |job| run(job, company));
    results.extend(in_lanes(1, alone, |job| run(job, false)));
    results.sort_by_key(|(number, _)| *number);
    results.into_iter().map(|(_, result)| result).collect()
}

fn in_lanes<T: Send, R: Send>(
    lanes: usize,
    jobs: VecDeque<(usize, Job<T>)>,
    run: impl Fn(T) -> R + Sync,
) -> Vec<(usize, R)> {
    let queue = Mutex::new(jobs);
    // The guard ends before the job begins.
    let next = || queue.lock().ok()?.pop_front();
    let lane = || {
        let mut done = Vec::new();
        while let Some((number, job)) = next() {
            done.push((number, run(job.work)));
        }
        done
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..lanes).map(|_| scope.spawn(lane)).collect();
        // A lane panics only where the job in it did: that is passed on.
        let ended = threads.into_iter().map(|thread| thread.join());
        ended.flat_map(|result| result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Barrier, Mutex};

    use super::*;

    fn jobs(alone: &[bool]) -> Vec<Job<usize>> {
        alone.iter().enumerate().map(|(work, &alone)| Job { work, alone }).collect()
    }

    #[test]
    fn two_run_at_a_time_and_results_keep_their_order() {
        // Each waits for another one: with one lane this would never end.
        let both = Barrier::new(2);
        let done = run(2, jobs(&[false; 4]), |work, company| {
            both.wait();
            (work, company)
        });
        assert_eq!(done, [(0, true), (1, true), (2, true), (3, true)]);
    }

    #[test]
    fn what_wants_the_machine_for_itself_has_it() {
        let running = AtomicUsize::new(0);
        let order = Mutex::new(Vec::new());
        let done = run(2, jobs(&[true, false, true, false, false]), |work, company| {
            let others = running.fetch_add(1, Ordering::SeqCst);
            assert!(company || others == 0, "{work} has company that it was not told of");
            order.lock().unwrap().push(work);
            running.fetch_sub(1, Ordering::SeqCst);
            (work, company)
        });
        assert_eq!(done, [(0, false), (1, true), (2, false), (3, true), (4, true)]);
        assert_eq!(order.into_inner().unwrap()[3..], [0, 2]);
    }

    #[test]
    fn one_lane_takes_them_as_they_come() {
        let order = Mutex::new(Vec::new());
        run(1, jobs(&[false, true, false]), |work, company| {
            assert!(!company);
            order.lock().unwrap().push(work);
        });
        assert_eq!(order.into_inner().unwrap(), [0, 1, 2]);
    }
}
