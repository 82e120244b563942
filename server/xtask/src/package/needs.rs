//! Which libraries of the system a program needs, as Debian names them: read from the program's own bytes, where the names of
//! libraries and symbol versions stand as texts. Pure. Called by the package.

/// Packages with the least version, in order; of a static program only what its scripts need.
pub(super) fn of(program: &[u8]) -> Vec<String> {
    let mut needs = vec!["passwd".to_owned()];
    if let Some((major, minor)) = newest_glibc(program) {
        needs.push(format!("libc6 (>= {major}.{minor})"));
    }
    if contains(program, b"libgcc_s.so.1\0") {
        needs.push("libgcc-s1".to_owned());
    }
    needs
}

/// The newest version of the C library that a symbol asks for.
fn newest_glibc(program: &[u8]) -> Option<(u32, u32)> {
    // A static program carries the library and asks for none, though the library's own texts may name versions.
    if !contains(program, b"libc.so.6\0")
        || !contains(program, b"/lib64/ld-linux-x86-64.so.2\0")
            && !contains(program, b"/lib/ld-linux-aarch64.so.1\0")
    {
        return None;
    }
    const MARK: &[u8] = b"GLIBC_";
    let places = program.windows(MARK.len()).enumerate().filter(|(_, window)| *window == MARK);
    places
        .filter_map(|(place, _)| {
            let rest = program.get(place + MARK.len()..)?;
            let end = rest.iter().position(|byte| *byte == 0)?;
            let text = std::str::from_utf8(rest.get(..end)?).ok()?;
            let mut numbers = text.split('.').map(str::parse);
            Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
        })
        .max()
}

fn contains(program: &[u8], text: &[u8]) -> bool {
    program.windows(text.len()).any(|window| window == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_counts_as_a_number() {
        let program = b"x\0/lib64/ld-linux-x86-64.so.2\0libc.so.6\0libgcc_s.so.1\0GLIBC_2.4\0GLIBC_2.34\0GLIBC_2.9\0GLIBC_PRIVATE\0";
        assert_eq!(of(program), ["passwd", "libc6 (>= 2.34)", "libgcc-s1"]);
    }

    #[test]
    fn a_static_program_needs_no_library() {
        assert_eq!(of(b"GLIBC_2.34\0 libc.so.6\0"), ["passwd"]);
    }
}
