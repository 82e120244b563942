//! What the kernel's IPVS has forwarded in all, removed services included (`/proc/net/ip_vs_stats`).
//!
//! Generic netlink has no message for it. Numbers there are hexadecimal; the third line holds the sums.

use lvs::counters::Totals;

use crate::error::{Errno, Error};
use crate::explain::failed;

/// The sums, in the network namespace of the thread that asks.
///
/// # Errors
/// [`Kind::Gone`](crate::Kind::Gone) where this kernel has no IPVS (yet).
pub fn totals() -> Result<Totals, Error> {
    let read = std::fs::read_to_string("/proc/thread-self/net/ip_vs_stats").map_err(Errno::from);
    let sums = read.and_then(|text| parse(&text).ok_or(Errno(libc::EBADMSG)));
    sums.map_err(|errno| failed("read the sums of all services", errno))
}

fn parse(text: &str) -> Option<Totals> {
    let mut numbers = text.lines().nth(2)?.split_whitespace().map(|word| u64::from_str_radix(word, 16).ok());
    let mut next = || numbers.next().flatten();
    Some(Totals {
        connections: next()?,
        in_packets: next()?,
        out_packets: next()?,
        in_bytes: next()?,
        out_bytes: next()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_third_line_holds_the_sums_in_hexadecimal() {
        let text = "   Total Incoming Outgoing         Incoming         Outgoing\n   \
                    Conns  Packets  Packets            Bytes            Bytes\n      \
                    1A       2F       30           1B2C3D               41\n\n \
                    Conns/s   Pkts/s   Pkts/s          Bytes/s          Bytes/s\n       0        0        0 0 0\n";
        let totals = parse(text).expect("sums");
        assert_eq!(
            totals,
            Totals { connections: 26, in_packets: 47, out_packets: 48, in_bytes: 0x1b_2c3d, out_bytes: 65 }
        );
        assert_eq!(parse("short"), None);
        assert_eq!(parse("a\nb\n1 2 3 4 z\n"), None);
    }
}
