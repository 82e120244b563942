//! Path patterns as `include` takes them: `*`, `?`, `[a-z]` within one part of a path, and `{a,b}`.
//!
//! Called by `texts`. Matching is bounded by the product of the lengths of pattern and path.

/// Patterns that the braces of one may stand for.
const MOST_ALTERNATIVES: usize = 256;

/// The patterns that one with braces stands for, in their order.
pub(super) fn alternatives(pattern: &str) -> Vec<String> {
    let mut done = Vec::new();
    let mut open = vec![pattern.to_owned()];
    while let Some(pattern) = open.pop() {
        let Some(parts) = split(&pattern) else {
            done.push(pattern);
            continue;
        };
        if done.len() + open.len() + parts.len() > MOST_ALTERNATIVES {
            break;
        }
        open.extend(parts.into_iter().rev());
    }
    done
}

/// The pattern with each member of its first braces; none where it has no braces.
fn split(pattern: &str) -> Option<Vec<String>> {
    let start = pattern.find('{')?;
    let before = pattern.get(..start)?;
    let (mut depth, mut member_start, mut members) = (0_usize, start + 1, Vec::new());
    for (at, c) in pattern.char_indices().skip_while(|(at, _)| *at < start) {
        match c {
            '{' => depth += 1,
            ',' if depth == 1 => {
                members.push(pattern.get(member_start..at)?);
                member_start = at + 1;
            }
            '}' if depth == 1 => {
                members.push(pattern.get(member_start..at)?);
                let behind = pattern.get(at + 1..)?;
                return Some(members.into_iter().map(|member| format!("{before}{member}{behind}")).collect());
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// Whether a path fits a pattern without braces.
pub(super) fn matches(pattern: &str, path: &str) -> bool {
    let (mut patterns, mut parts) = (pattern.split('/'), path.split('/'));
    loop {
        match (patterns.next(), parts.next()) {
            (None, None) => return true,
            (Some(pattern), Some(part)) if part_matches(pattern, part) => {}
            _ => return false,
        }
    }
}

/// Whether one part of a path fits; a leading dot has to be written.
fn part_matches(pattern: &str, part: &str) -> bool {
    if part.starts_with('.') && !pattern.starts_with('.') {
        return false;
    }
    let (mut rest, mut text) = (pattern, part);
    // Where to go on if what follows the last `*` does not fit: the star takes one character more.
    let mut retry: Option<(&str, &str)> = None;
    loop {
        let behind_star = rest.strip_prefix('*');
        if let Some(behind) = behind_star {
            retry = Some((behind, text));
            rest = behind;
            continue;
        }
        if text.is_empty() && rest.is_empty() {
            return true;
        }
        if let Some((next_rest, next_text)) = one(rest, text) {
            (rest, text) = (next_rest, next_text);
            continue;
        }
        let Some((star_rest, star_text)) = retry else { return false };
        let mut characters = star_text.chars();
        if characters.next().is_none() {
            return false;
        }
        (rest, text) = (star_rest, characters.as_str());
        retry = Some((rest, text));
    }
}

/// What is left of pattern and text behind one character that fits.
fn one<'p, 't>(pattern: &'p str, text: &'t str) -> Option<(&'p str, &'t str)> {
    let mut characters = text.chars();
    let c = characters.next()?;
    let rest = characters.as_str();
    let mut wanted = pattern.chars();
    match wanted.next()? {
        '?' => Some((wanted.as_str(), rest)),
        '[' => {
            let inner = wanted.as_str();
            let Some((behind, fits)) = class(inner, c) else {
                return (c == '[').then_some((inner, rest));
            };
            fits.then_some((behind, rest))
        }
        '\\' => {
            let escaped = wanted.next()?;
            (escaped == c).then_some((wanted.as_str(), rest))
        }
        other => (other == c).then_some((wanted.as_str(), rest)),
    }
}

/// What follows a class of characters, and whether one is in it; none where the class is not closed.
fn class(inner: &str, c: char) -> Option<(&str, bool)> {
    let (negated, set) = match inner.strip_prefix(['!', '^']) {
        Some(set) => (true, set),
        None => (false, inner),
    };
    // A bracket right at the beginning is a member.
    let first = set.chars().next()?.len_utf8();
    let end = first + set.get(first..)?.find(']')?;
    let members: Vec<char> = set.get(..end)?.chars().collect();
    let (mut rest, mut fits) = (members.as_slice(), false);
    while let Some((from, behind)) = rest.split_first() {
        if let ['-', to, further @ ..] = behind {
            fits |= (*from..=*to).contains(&c);
            rest = further;
        } else {
            fits |= *from == c;
            rest = behind;
        }
    }
    Some((set.get(end + 1..)?, fits != negated))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_as_in_a_shell() {
        for (pattern, path, fits) in [
            ("*.conf", "a.conf", true),
            ("*.conf", ".a.conf", false),
            (".*.conf", ".a.conf", true),
            ("*.conf", "a/b.conf", false),
            ("*/*.conf", "a/b.conf", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[]x]", "]", true),
            ("[a", "[a", true),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXcYb", false),
            ("*é*", "née", true),
            ("\\*", "*", true),
            ("", "", true),
        ] {
            assert_eq!(matches(pattern, path), fits, "{pattern} {path}");
        }
    }

    #[test]
    fn braces_are_bounded() {
        assert_eq!(alternatives("{foo/{,cat,dog},bar}"), ["foo/", "foo/cat", "foo/dog", "bar"]);
        assert_eq!(alternatives("a{b"), ["a{b"]);
        assert!(alternatives(&"{a,b}".repeat(200)).len() <= MOST_ALTERNATIVES);
    }

    #[test]
    fn a_hostile_pattern_takes_no_time() {
        let (pattern, path) = ("a*".repeat(2_000), "a".repeat(2_000) + "b");
        assert!(!matches(&format!("{pattern}c"), &path));
    }
}
