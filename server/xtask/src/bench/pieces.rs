//! The work of single pieces of `lvs` (`server/lvs/examples/pieces.rs`) beside what it was: more than that by far is a
//! defect that nobody intended, or a baseline to be set anew with the change that explains it. Pure.

use super::figures::{Figures, Spread};

/// So much more than the baseline is too much: another compiler moves a figure by a few hundredths.
const TOLERATED: f64 = 1.3;

/// A figure's name, and its milliseconds on the clock that counts instructions: in the build that tests use, and optimised.
const BASELINES: &[(&str, f64, f64)] = &[
    ("what a kernel should hold", 8.0, 4.8),
    ("plan, from nothing", 11.2, 8.4),
    ("plan, nothing changed", 12.7, 7.2),
    ("plan, one weight", 12.7, 7.2),
    ("findings", 102.0, 80.6),
    ("lvs.cf read", 1_364.0, 674.0),
    ("keepalived.conf read", 2_050.0, 1_140.0),
    ("ipvsadm written", 33.3, 29.8),
    ("ipvsadm read", 458.0, 279.0),
    ("JSON written", 51.4, 20.9),
    ("JSON read", 67.0, 47.3),
    ("1,000 beats sealed", 32.6, 28.8),
    ("1,000 beats opened", 22.0, 20.7),
];

/// Those that are more than tolerated, with what they were and are.
pub(super) fn heavier(figures: &Figures, release: bool) -> Vec<String> {
    let one = |(name, tests, optimised): &(&str, f64, f64)| {
        let before = if release { *optimised } else { *tests };
        let now = Spread::of(figures.of(&format!("pieces/{name} ms"))?)?.median;
        (now > before * TOLERATED).then(|| format!("{name}: {now:.2} ms of instructions, {before:.2} before"))
    };
    BASELINES.iter().filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_grew_by_far_is_named() {
        let (name, tests, _) = BASELINES.first().unwrap();
        for (factor, named) in [(0.5, 0), (1.2, 0), (1.4, 1)] {
            let mut figures = Figures::default();
            figures.add(&format!("pieces/{name} ms"), tests * factor);
            assert_eq!(heavier(&figures, false).len(), named, "{factor}");
        }
    }
}
