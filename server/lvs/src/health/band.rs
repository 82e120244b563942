//! What a real server was over a time, in the eyes of one director: up, down, ordered out, or nothing known.
//!
//! Made of what the director's journal and the console told ([`Turn`]). Reads no log and no clock; the console does, for
//! the page of a real server.

use std::ops::Range;

use super::{Instruction, Verdict};

/// What a real server was for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Shade {
    /// Its checks said that it serves.
    Up,
    /// They said that it does not, or not yet again.
    Down,
    /// An operator had ordered it to drain or to stay out, whatever its checks said.
    Ordered,
    /// Nobody knows: not checked, its agent did not run, or the console does not reach it any more.
    Unknown,
}

impl Shade {
    /// All of them.
    pub const ALL: [Shade; 4] = [Shade::Up, Shade::Down, Shade::Ordered, Shade::Unknown];

    /// The word in catalogue keys.
    pub fn as_str(self) -> &'static str {
        match self {
            Shade::Up => "up",
            Shade::Down => "down",
            Shade::Ordered => "ordered",
            Shade::Unknown => "unknown",
        }
    }
}

/// Something that changed what a real server is, or what is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// The checks say something else.
    Verdict {
        /// What they said before.
        from: Verdict,
        /// What they say now.
        to: Verdict,
    },
    /// It was ordered to serve, to drain or to stay out.
    Ordered {
        /// With its machine; else by itself.
        machine: bool,
        /// What.
        instruction: Instruction,
    },
    /// Its own order has ended by itself.
    Ended,
    /// The director's agent has started, or ends. One that was killed goes on later with what it knew.
    Runs(bool),
}

/// What is known at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// What the checks say, and since when, seconds since 1970; none where they say nothing.
    pub verdict: Option<(Verdict, i64)>,
    /// Since when the console has not reached the director, seconds since 1970; none where it does. What happens meanwhile
    /// is told once it is reached again.
    pub lost_s: Option<i64>,
}

/// A while in which nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its first second, since 1970.
    pub from_s: i64,
    /// The second after its last.
    pub until_s: i64,
    /// What the server was.
    pub shade: Shade,
}

/// A time in parts, the first first, without gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Band {
    /// The parts; neighbours differ.
    pub parts: Vec<Part>,
    /// How often it went down.
    pub falls: u32,
}

impl Band {
    /// Seconds in which the server was that.
    pub fn seconds(&self, shade: Shade) -> i64 {
        let of = self.parts.iter().filter(|part| part.shade == shade);
        of.map(|part| part.until_s - part.from_s).sum()
    }
}

#[derive(Clone, Copy)]
struct State {
    verdict: Verdict,
    own: Instruction,
    machine: Instruction,
    runs: bool,
}

impl State {
    fn shade(self) -> Shade {
        if !self.runs {
            Shade::Unknown
        } else if self.own.max(self.machine) != Instruction::Enabled {
            Shade::Ordered
        } else {
            match self.verdict {
                Verdict::Up => Shade::Up,
                Verdict::Down | Verdict::ReEntering => Shade::Down,
                Verdict::Unknown => Shade::Unknown,
            }
        }
    }

    fn turn(&mut self, turn: Turn) {
        match turn {
            Turn::Verdict { to, .. } => self.verdict = to,
            Turn::Ordered { machine: true, instruction } => self.machine = instruction,
            Turn::Ordered { machine: false, instruction } => self.own = instruction,
            Turn::Ended => self.own = Instruction::Enabled,
            Turn::Runs(runs) => self.runs = runs,
        }
    }
}

/// The band over a time (seconds since 1970). `turns` are in the order of their moments and may begin before it.
pub fn band(time: Range<i64>, turns: &[(i64, Turn)], known: Known) -> Band {
    let first_verdict = turns.iter().find_map(|(_, turn)| match turn {
        Turn::Verdict { from, .. } => Some(*from),
        _ => None,
    });
    let mut turns = turns.to_vec();
    let verdict = match (first_verdict, known.verdict) {
        (Some(verdict), _) => verdict,
        (None, Some((verdict, since_s))) if since_s <= time.start => verdict,
        (None, Some((to, since_s))) => {
            let at = turns.partition_point(|(at, _)| *at < since_s);
            turns.insert(at, (since_s, Turn::Verdict { from: Verdict::Unknown, to }));
            Verdict::Unknown
        }
        (None, None) => Verdict::Unknown,
    };
    if let Some(lost_s) = known.lost_s {
        turns.retain(|(at, _)| *at < lost_s);
        turns.push((lost_s, Turn::Runs(false)));
    }
    let mut state = State { verdict, own: Instruction::Enabled, machine: Instruction::Enabled, runs: true };
    let mut parts: Vec<Part> = Vec::new();
    let mut falls = 0;
    let mut add = |from_s: i64, until_s: i64, shade: Shade| match parts.last_mut() {
        _ if from_s >= until_s => {}
        Some(last) if last.shade == shade => last.until_s = until_s,
        _ => parts.push(Part { from_s, until_s, shade }),
    };
    let mut reached = time.start;
    for (at, turn) in turns {
        let at = at.clamp(time.start, time.end);
        add(reached, at, state.shade());
        reached = reached.max(at);
        let before = state.shade();
        state.turn(turn);
        let fell = state.shade() == Shade::Down && before != Shade::Down;
        falls += u32::from(fell && at > time.start && at < time.end);
    }
    add(reached, time.end, state.shade());
    Band { parts, falls }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DOWN: Turn = Turn::Verdict { from: Verdict::Up, to: Verdict::Down };
    const BACK: Turn = Turn::Verdict { from: Verdict::Down, to: Verdict::ReEntering };
    const UP: Turn = Turn::Verdict { from: Verdict::ReEntering, to: Verdict::Up };
    const SEEN: Known = Known { verdict: Some((Verdict::Up, 0)), lost_s: None };

    fn told(turns: &[(i64, Turn)], known: Known) -> Vec<(i64, i64, Shade)> {
        let parts = band(100..200, turns, known).parts;
        parts.iter().map(|part| (part.from_s, part.until_s, part.shade)).collect()
    }

    fn ordered(machine: bool, instruction: Instruction) -> Turn {
        Turn::Ordered { machine, instruction }
    }

    #[test]
    fn without_a_change_it_is_what_it_is() {
        assert_eq!(told(&[], SEEN), [(100, 200, Shade::Up)]);
        let late = Known { verdict: Some((Verdict::Down, 150)), lost_s: None };
        assert_eq!(told(&[], late), [(100, 150, Shade::Unknown), (150, 200, Shade::Down)]);
        assert_eq!(told(&[], Known { verdict: None, lost_s: None }), [(100, 200, Shade::Unknown)]);
    }

    #[test]
    fn it_falls_and_comes_back() {
        let turns = [(120, DOWN), (130, BACK), (135, UP), (180, DOWN)];
        assert_eq!(
            told(&turns, SEEN),
            [(100, 120, Shade::Up), (120, 135, Shade::Down), (135, 180, Shade::Up), (180, 200, Shade::Down)]
        );
        let whole = band(100..200, &turns, SEEN);
        assert_eq!((whole.falls, whole.seconds(Shade::Down), whole.seconds(Shade::Up)), (2, 35, 65));
        // What was before says how it began.
        assert_eq!(
            told(&[(50, DOWN), (150, BACK), (150, UP)], SEEN),
            [(100, 150, Shade::Down), (150, 200, Shade::Up)]
        );
        assert_eq!(band(100..200, &[(50, DOWN)], SEEN).falls, 0);
    }

    #[test]
    fn an_order_covers_what_the_checks_say() {
        let turns = [
            (110, ordered(false, Instruction::Draining)),
            (120, DOWN),
            (125, ordered(true, Instruction::Disabled)),
            (130, ordered(false, Instruction::Enabled)),
            (140, ordered(true, Instruction::Enabled)),
        ];
        assert_eq!(
            told(&turns, SEEN),
            [(100, 110, Shade::Up), (110, 140, Shade::Ordered), (140, 200, Shade::Down)]
        );
        let timed = [(110, ordered(false, Instruction::Draining)), (120, Turn::Ended)];
        assert_eq!(told(&timed, SEEN)[1..], [(110, 120, Shade::Ordered), (120, 200, Shade::Up)]);
    }

    #[test]
    fn while_nobody_looks_nothing_is_known() {
        let turns = [(110, Turn::Runs(false)), (115, DOWN), (120, Turn::Runs(true)), (150, Turn::Runs(true))];
        assert_eq!(
            told(&turns, SEEN),
            [(100, 110, Shade::Up), (110, 120, Shade::Unknown), (120, 200, Shade::Down)]
        );
        let lost = Known { lost_s: Some(130), ..SEEN };
        assert_eq!(told(&[(120, DOWN)], lost)[1..], [(120, 130, Shade::Down), (130, 200, Shade::Unknown)]);
        assert_eq!(told(&[], Known { lost_s: Some(50), ..SEEN }), [(100, 200, Shade::Unknown)]);
    }

    fn any_turn() -> impl Strategy<Value = Turn> {
        prop_oneof![
            Just(DOWN),
            Just(BACK),
            Just(UP),
            Just(Turn::Ended),
            any::<bool>().prop_map(Turn::Runs),
            any::<bool>().prop_map(|machine| ordered(machine, Instruction::Draining)),
            any::<bool>().prop_map(|machine| ordered(machine, Instruction::Enabled)),
        ]
    }

    proptest! {
        #[test]
        fn the_parts_are_the_whole_time(mut turns in prop::collection::vec((0_i64..300, any_turn()), 0..20), since in 0_i64..300, lost in prop::option::of(0_i64..300)) {
            turns.sort_by_key(|(at, _)| *at);
            let known = Known { verdict: Some((Verdict::Up, since)), lost_s: lost };
            let whole = band(100..200, &turns, known);
            prop_assert_eq!(Shade::ALL.into_iter().map(|shade| whole.seconds(shade)).sum::<i64>(), 100);
            prop_assert_eq!(whole.parts.first().map(|part| part.from_s), Some(100));
            for pair in whole.parts.windows(2) {
                prop_assert!(pair[0].until_s == pair[1].from_s && pair[0].shade != pair[1].shade);
            }
        }
    }
}
