//! The table as `ipvsadm -L` shows it to people, which says less than a table that is saved.
//!
//! Only finds it in a text and leaves it out; nothing is read from it.

/// Whether a line is a heading of such a table.
fn is_heading(line: &str) -> bool {
    line.starts_with("IP Virtual Server") || line.starts_with("Prot LocalAddress")
}

/// The line at which the first begins, from 1.
pub(super) fn find(text: &str) -> Option<u32> {
    text.lines().zip(1_u32..).find(|(line, _)| is_heading(line.trim_start())).map(|(_, number)| number)
}

/// The text with empty lines in place of such tables.
pub(super) fn without(text: &str) -> String {
    let mut inside = false;
    let kept = text.split_inclusive(['\n']).map(|line| {
        let content = line.trim_start();
        let row = ["-> ", "TCP ", "UDP ", "SCTP ", "FWM "].iter().any(|word| content.starts_with(word));
        inside = is_heading(content) || inside && (row || content.is_empty());
        match (inside, line.ends_with('\n')) {
            (false, _) => line,
            (true, true) => "\n",
            (true, false) => "",
        }
    });
    kept.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_for_people_is_left_out_and_lines_keep_their_numbers() {
        let text = "ipvsadm -Ln\n\nIP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port Scheduler Flags\n  \
                    -> RemoteAddress:Port Forward Weight\nTCP  10.0.0.1:80 rr\n  -> 10.0.0.2:80 Route 1\nTCP is fast\n-a -t x";
        assert_eq!(find(text), Some(3));
        assert_eq!(without(text), "ipvsadm -Ln\n\n\n\n\n\n\n\n-a -t x");
        assert_eq!(find("TCP x\n"), None);
        assert_eq!(without("TCP x\n"), "TCP x\n");
    }
}
