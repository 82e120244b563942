//! Packets that nobody asked for, by the thousand: forged, truncated, too long. Part of the lab's own programs.

use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use anyhow::Result;

/// Sends about so many a second, for so long, and prints `sent N`. What the network does not take is lost, as in any
/// flood.
pub(crate) fn send(to: SocketAddr, rate: u32, seconds: u64) -> Result<()> {
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    socket.connect(to)?;
    socket.set_nonblocking(true)?;
    // As a beat begins, so that it is refused as late as possible; then less and less like one.
    let mut forged = [0x5a_u8; 164];
    forged[..8].copy_from_slice(b"CRBH\x01\x00\x00\x01");
    let kinds: [&[u8]; 4] = [&forged, &forged[..100], &forged[8..], &[0; 1000]];
    let (began, limit) = (Instant::now(), Duration::from_secs(seconds));
    let (mut sent, mut tried) = (0_u64, 0_u64);
    while began.elapsed() < limit {
        let due = (began.elapsed().as_secs_f64() * f64::from(rate)) as u64;
        while tried < due {
            let kind = kinds.get(tried as usize % kinds.len()).copied().unwrap_or_default();
            sent += u64::from(socket.send(kind).is_ok());
            tried += 1;
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    println!("sent {sent}");
    Ok(())
}
