//! Which beats have been seen: a beat counts once, and never after a newer one of its session.
//!
//! A beat recorded on the wire and sent again is authentic. Within a session its sequence number gives it away. Across
//! sessions, only a beat that was sent in answer to a recent one of ours proves which session is the partner's present
//! one; all that others can do is to hold us back.

use std::collections::VecDeque;

/// Sessions of the partner that are remembered.
const REMEMBERED: usize = 32;

/// How a beat stands to those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// Newer than all of its session.
    New,
    /// The same as the newest: the other path's copy.
    Again,
    /// Older than the newest of its session.
    Old,
}

/// The newest sequence number of each session of one sender.
#[derive(Clone, Debug, Default)]
pub(super) struct Window {
    /// Sessions with their newest sequence number, the one heard last at the end.
    sessions: VecDeque<(u64, u64)>,
    /// The one that was last proven.
    present: Option<u64>,
}

impl Window {
    /// The session that is echoed, with its newest sequence number: the present one, else the one heard last; zeros
    /// before any.
    pub(super) fn echo(&self) -> (u64, u64) {
        let present = self.sessions.iter().find(|(session, _)| Some(*session) == self.present);
        present.or(self.sessions.back()).copied().unwrap_or_default()
    }

    /// Whether this is the partner's present session, as far as is known.
    pub(super) fn is_present(&self, session: u64) -> bool {
        self.present == Some(session)
    }

    /// Whether any beat of this session is remembered.
    pub(super) fn knows(&self, session: u64) -> bool {
        self.sessions.iter().any(|(known, _)| *known == session)
    }

    /// Takes note of a beat; `recent`: it was sent in answer to a recent one of ours.
    pub(super) fn see(&mut self, session: u64, sequence: u64, recent: bool) -> Seen {
        let known = self.sessions.iter().position(|(known, _)| *known == session);
        let before = known.and_then(|at| self.sessions.remove(at)).map(|(_, newest)| newest);
        let seen = match before.map(|newest| sequence.cmp(&newest)) {
            None | Some(std::cmp::Ordering::Greater) => Seen::New,
            Some(std::cmp::Ordering::Equal) => Seen::Again,
            Some(std::cmp::Ordering::Less) => Seen::Old,
        };
        self.sessions.push_back((session, before.map_or(sequence, |newest| newest.max(sequence))));
        if recent && seen == Seen::New {
            self.present = Some(session);
        }
        if self.sessions.len() > REMEMBERED {
            let oldest = self.sessions.iter().position(|(session, _)| Some(*session) != self.present);
            oldest.and_then(|at| self.sessions.remove(at));
        }
        seen
    }
}

#[cfg(test)]
mod tests {
    use super::{REMEMBERED, Seen, Window};

    #[test]
    fn a_beat_counts_once_and_in_order() {
        for recent in [false, true] {
            let mut window = Window::default();
            assert_eq!(window.echo(), (0, 0));
            let seen = [5, 5, 4, 7, 6].map(|sequence| window.see(9, sequence, recent));
            assert_eq!(seen, [Seen::New, Seen::Again, Seen::Old, Seen::New, Seen::Old]);
            assert_eq!((window.echo(), window.is_present(9)), ((9, 7), recent));
        }
    }

    #[test]
    fn a_restarted_partner_is_echoed_once_it_answers() {
        let mut window = Window::default();
        window.see(1, 10, true);
        assert_eq!(window.see(2, 1, false), Seen::New);
        assert_eq!(window.echo(), (1, 10));
        assert_eq!(window.see(2, 2, true), Seen::New);
        assert_eq!(window.echo(), (2, 2));
    }

    #[test]
    fn recorded_sessions_do_not_displace_the_present_one() {
        let mut window = Window::default();
        window.see(7, 1, true);
        for session in 100..1000 {
            assert_eq!(window.see(session, 1, false), Seen::New);
        }
        assert_eq!(window.echo(), (7, 1));
        assert_eq!(window.see(999, 1, false), Seen::Again);
        assert!(window.sessions.len() <= REMEMBERED);
    }
}
