//! `~SEQ(...)` and `~LST(...)` in front of a line: the line is read once for each value.
//!
//! Called by `syntax`, which defines the variables and reads the rest of the line for each round.

/// Values in one list; a line has no room for more.
const MOST_VALUES: usize = 4_096;

/// A repetition at the beginning of a line.
#[derive(Clone, Debug)]
pub(super) struct Repetition {
    /// Its rounds.
    pub(super) rounds: Rounds,
    /// Bytes up to what is repeated.
    pub(super) length: usize,
}

/// The values of each round.
#[derive(Clone, Debug)]
pub(super) enum Rounds {
    /// Numbers from one to another.
    Sequence {
        /// The variable.
        name: String,
        /// Its value in the next round.
        next: Option<i64>,
        /// Added after each round; never 0, and leads to the end.
        step: i64,
        /// The last value, or beyond it.
        end: i64,
        /// Whether the value is written in hexadecimal digits.
        hexadecimal: bool,
    },
    /// Words, several variables at once where that was asked for.
    List {
        /// The variables.
        names: Vec<String>,
        /// Their values, by round; those that are missing are empty.
        values: std::vec::IntoIter<Vec<String>>,
    },
}

impl Iterator for Rounds {
    /// The variables of a round with their values.
    type Item = Vec<(String, String)>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Rounds::Sequence { name, next, step, end, hexadecimal } => {
                let value = (*next)?;
                if if *step > 0 { value > *end } else { value < *end } {
                    return None;
                }
                *next = value.checked_add(*step);
                let text = if *hexadecimal { format!("{value:x}") } else { value.to_string() };
                Some(vec![(name.clone(), text)])
            }
            Rounds::List { names, values } => {
                let values = values.next()?.into_iter().chain(std::iter::repeat(String::new()));
                Some(names.iter().cloned().zip(values).collect())
            }
        }
    }
}

/// Whether a line without indentation begins with a repetition, understood or not.
pub(super) fn begins(line: &str) -> bool {
    ["~SEQ(", "~SEQx(", "~LST("].iter().any(|word| line.starts_with(word))
}

/// The repetition that a line without indentation begins with; none where it is not understood.
pub(super) fn parse(line: &str) -> Option<Repetition> {
    let (word, behind) = line.split_once('(')?;
    let closing = behind.find(')')?;
    let inner = behind.get(..closing)?;
    let rounds = match word {
        "~SEQ" => sequence(inner, false)?,
        "~SEQx" => sequence(inner, true)?,
        "~LST" => list(inner)?,
        _ => return None,
    };
    Some(Repetition { rounds, length: word.len() + closing + 2 })
}

fn sequence(inner: &str, hexadecimal: bool) -> Option<Rounds> {
    let mut parts = inner.split(',').map(str::trim);
    let name = variable(parts.next()?)?;
    let numbers = parts.map(number).collect::<Option<Vec<i64>>>()?;
    let (start, step, end) = match *numbers.as_slice() {
        [end] => (if end < 0 { -1 } else { 1 }, None, end),
        [start, end] => (start, None, end),
        [start, step, end] => (start, Some(step), end),
        _ => return None,
    };
    let towards = if end < start { -1 } else { 1 };
    let step = step.unwrap_or(towards);
    let leads = step.signum() == towards || (start == end && step != 0);
    leads.then_some(Rounds::Sequence { name, next: Some(start), step, end, hexadecimal })
}

/// A whole number in decimal, octal (`0`) or hexadecimal (`0x`) digits.
fn number(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (radix, digits) = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(digits) => (16, digits),
        None if digits.len() > 1 && digits.starts_with('0') => (8, digits),
        None => (10, digits),
    };
    if !digits.starts_with(|c: char| c.is_digit(radix)) {
        return None;
    }
    let value = i64::from_str_radix(digits, radix).ok()?;
    Some(if negative { -value } else { value })
}

fn list(inner: &str) -> Option<Rounds> {
    let mut groups = groups(inner)?.into_iter();
    let names = groups.next()?.iter().map(|name| variable(name)).collect::<Option<Vec<_>>>()?;
    let values: Vec<Vec<String>> = groups.collect();
    let fit = values.iter().all(|group| {
        group.len() <= names.len() && group.iter().all(|value| !value.contains(char::is_whitespace))
    });
    (fit && !values.is_empty() && !names.is_empty())
        .then(|| Rounds::List { names, values: values.into_iter() })
}

/// The members of a list between commas; each is a word or several in braces.
fn groups(inner: &str) -> Option<Vec<Vec<String>>> {
    let mut groups = Vec::new();
    let mut rest = inner.trim();
    loop {
        let behind = if let Some(braced) = rest.strip_prefix('{') {
            let (members, behind) = braced.split_once('}')?;
            groups.push(members.split(',').map(|member| member.trim().to_owned()).collect());
            behind.trim_start()
        } else {
            let length = rest.find(',').unwrap_or(rest.len());
            let (word, behind) = rest.split_at_checked(length)?;
            groups.push(vec![word.trim().to_owned()]);
            behind
        };
        if groups.len() > MOST_VALUES {
            return None;
        }
        match behind.strip_prefix(',') {
            Some(further) => rest = further.trim_start(),
            None => return behind.is_empty().then_some(groups),
        }
    }
}

fn variable(text: &str) -> Option<String> {
    let fits = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    fits.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounds(line: &str) -> Option<Vec<String>> {
        let repetition = parse(line)?;
        let of = |round: Vec<(String, String)>| {
            round.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
        };
        Some(repetition.rounds.take(10).map(of).collect())
    }

    #[test]
    fn sequences_run_both_ways() {
        for (line, values) in [
            ("~SEQ(V, 1, 3) x", "V=1,V=2,V=3"),
            ("~SEQ(V,3)", "V=1,V=2,V=3"),
            ("~SEQ(V,-2)", "V=-1,V=-2"),
            ("~SEQ(V,0)", "V=1,V=0"),
            ("~SEQ(V,010,011)", "V=8,V=9"),
            ("~SEQ(V,3,1)", "V=3,V=2,V=1"),
            ("~SEQ(V,0,4,9)", "V=0,V=4,V=8"),
            ("~SEQ(V,5,5)", "V=5"),
            ("~SEQx(V, 0x1e, 1, 0x20)", "V=1e,V=1f,V=20"),
            (
                "~SEQ(V,9223372036854775806,9223372036854775807)",
                "V=9223372036854775806,V=9223372036854775807",
            ),
            ("~LST(V,a,b)", "V=a,V=b"),
            ("~LST({P,Q},{1,2},{3,4})", "P=1 Q=2,P=3 Q=4"),
            ("~LST(V, {a},b)", "V=a,V=b"),
            ("~LST(V,a,,b)", "V=a,V=,V=b"),
            ("~LST({P,Q},{1},{2,3})", "P=1 Q=,P=2 Q=3"),
        ] {
            assert_eq!(rounds(line).map(|rounds| rounds.join(",")).as_deref(), Some(values), "{line}");
        }
    }

    #[test]
    fn what_leads_nowhere_is_refused() {
        for line in [
            "~SEQ(V,1,0,5)",
            "~SEQ(V,1,-1,5)",
            "~SEQ(V)",
            "~SEQ(V,x)",
            "~SEQ(V,1,2,3,4)",
            "~SEQ(1,2)",
            "~SEQ(V,1,2",
            "~SEQ(V,99999999999999999999)",
            "~LST(V)",
            "~LST(V,a b)",
            "~LST({P,Q},{1},{2,3,4})",
            "~LST({P,Q},{1,2)",
            "~LST()",
        ] {
            assert!(begins(line) && parse(line).is_none(), "{line}");
        }
    }
}
