//! How cost grows with the size of the table: the same measurement at several sizes, as one exponent for each figure. Pure.
//! Called by the bench.
//!
//! An exponent of 1 is linear growth, 0 is none. It is taken between the two largest sizes, where fixed costs weigh
//! least.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::figures::{Figures, Spread};

/// Virtual servers with ten real servers each: 10², 10³, 10⁴ rows, and the most that the bench takes.
pub(super) const SIZES: [u16; 4] = [10, 100, 1_000, 4_000];
/// Growth that is still called linear: what caches and longer lists of the kernel add.
const LINEAR: f64 = 1.1;

/// What is looked at, ours first.
const NAMES: [&str; 14] = [
    "kernel/apply ms",
    "kernel/all weights ms",
    "kernel/observe ms",
    "kernel/counters ms",
    "kernel/count of each second ms",
    "agent/activation ms",
    "agent/apply CPU ms",
    "agent/one weight ms",
    "agent/nothing changed CPU ms",
    "agent/idle CPU %",
    "agent/memory KiB",
    "ipvsadm/-R ms",
    "keepalived/start CPU ms",
    "keepalived/reload unchanged CPU ms",
];

/// One figure at all sizes.
#[derive(Debug)]
pub(super) struct Grown {
    name: &'static str,
    /// Virtual servers, and the median at that size.
    at: Vec<(u16, f64)>,
    exponent: f64,
}

/// What grew, of measurements at several sizes, the smallest first.
pub(super) fn of(sizes: &[(u16, Figures)]) -> Vec<Grown> {
    let one = |name: &'static str| {
        let at: Vec<(u16, f64)> = sizes
            .iter()
            .filter_map(|(size, figures)| Some((*size, figures.of(name).and_then(Spread::of)?.median)))
            .collect();
        let [.., (less, before), (more, after)] = at.as_slice() else { return None };
        let exponent = (after / before).ln() / (f64::from(*more) / f64::from(*less)).ln();
        exponent.is_finite().then_some(Grown { name, at, exponent })
    };
    NAMES.into_iter().filter_map(one).collect()
}

/// As a table.
pub(super) fn show(grown: &[Grown]) -> String {
    let Some(first) = grown.first() else { return String::new() };
    let mut text = String::new();
    // Writing into a String cannot fail.
    let _ = write!(text, "{:<40}", "growth: virtual servers");
    for (size, _) in &first.at {
        let _ = write!(text, " {size:>10}");
    }
    let _ = writeln!(text, " {:>10}", "exponent");
    for Grown { name, at, exponent } in grown {
        let _ = write!(text, "{name:<40}");
        for (_, median) in at {
            let _ = write!(text, " {median:>10.3}");
        }
        let verdict = if *exponent > LINEAR { "  WORSE THAN LINEAR" } else { "" };
        let _ = writeln!(text, " {exponent:>10.2}{verdict}");
    }
    text
}

pub(super) fn to_json(grown: &[Grown]) -> Value {
    let one =
        |grown: &Grown| json!({ "figure": grown.name, "medians": grown.at, "exponent": grown.exponent });
    grown.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponents_are_of_the_two_largest_sizes() {
        let at = |size: u16, value: f64| {
            let mut figures = Figures::default();
            figures.add("kernel/apply ms", value);
            (size, figures)
        };
        let grown = of(&[at(10, 5.0), at(100, 10.0), at(1_000, 1_000.0)]);
        let [apply] = grown.as_slice() else { panic!("{grown:?}") };
        assert!((apply.exponent - 2.0).abs() < 1e-9, "{apply:?}");
        assert!(show(&grown).contains("WORSE THAN LINEAR"), "{}", show(&grown));
        assert!(of(&[at(10, 5.0)]).is_empty(), "one size tells nothing");
        let linear = of(&[at(10, 5.0), at(100, 50.0)]);
        assert!(!show(&linear).contains("WORSE"), "{}", show(&linear));
    }
}
