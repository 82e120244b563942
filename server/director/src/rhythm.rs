//! How often the agent does what it does by itself.

use std::time::Duration;

/// The agent's intervals. The defaults are what runs in production; tests shorten them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rhythm {
    /// Between two looks at a kernel that is in sync; IPVS announces no changes, so drift is found by looking.
    pub tick: Duration,
    /// Between two tries while the kernel is not in sync; doubles up to `tick`.
    pub retry: Duration,
    /// The least time between two passes that link and address events ask for.
    pub settle: Duration,
    /// Before a row that somebody else changed is repaired; doubles with each repair, up to `repair_longest`.
    pub repair: Duration,
    /// The longest such delay.
    pub repair_longest: Duration,
    /// Between two samples of counters while a stream is open.
    pub sample: Duration,
    /// The longest silence on a stream; the console expects a line every two seconds.
    pub alive: Duration,
    /// Between two announcements of an address that has been held for a while: as often as Piranha's pulse, so that
    /// neighbours who learnt something else, from a partner that gave way without a word, are put right.
    pub refresh: Duration,
    /// Between two requests for a target while none is held; doubles up to ten times that.
    pub fetch: Duration,
    /// Before a failed renewal is tried again; doubles up to an hour.
    pub renew: Duration,
    /// How long connections still go from the director that was active to the one that is: the kernel sends what it has
    /// gathered after two seconds at the latest.
    pub drain: Duration,
    /// How long a standby waits for its partner's connections. The kernel never sends again those that are idle; the partner
    /// does, unless it speaks another protocol.
    pub ready: Duration,
}

impl Default for Rhythm {
    fn default() -> Self {
        Rhythm {
            tick: Duration::from_secs(5),
            retry: Duration::from_secs(1),
            settle: Duration::from_millis(100),
            repair: Duration::from_secs(1),
            repair_longest: Duration::from_secs(60),
            sample: Duration::from_secs(1),
            alive: Duration::from_millis(1500),
            refresh: Duration::from_secs(10),
            fetch: Duration::from_secs(5),
            renew: Duration::from_secs(30),
            drain: Duration::from_secs(3),
            ready: Duration::from_secs(30),
        }
    }
}
