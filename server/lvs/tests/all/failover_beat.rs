//! Beats on the wire: what is sealed is what is opened, and nothing else opens.

use std::time::Duration;

use lvs::failover::{BadBeat, Beat, Grant, Key, Keyring, LENGTH, Name};
use lvs::model::Seat;
use lvs::wire::State;
use proptest::prelude::*;

fn ring(sending: (u16, u8), accepted: &[(u16, u8)]) -> Keyring {
    let key = |&(id, byte): &(u16, u8)| Key::new(id, [byte; 32]);
    Keyring::new(key(&sending), accepted.iter().map(key).collect())
}

fn beat() -> Beat {
    Beat {
        cluster: Name::of("cl_1"),
        sender: Name::of("dir_a"),
        session: 0x0102_0304_0506_0708,
        heard: 0x1112_1314_1516_1718,
        heard_sequence: 41,
        sequence: 42,
        epoch: 1002,
        grant: Some(Grant { session: 5, epoch: 1003 }),
        state: State::Active,
        seat: Seat::Primary,
        ready: true,
        wants: false,
        held: false,
        holds: true,
        settled: false,
        priority: 150,
        interval: Duration::from_millis(100),
        revision: 7,
        digest: [9; 16],
        connections: 1_000_000,
    }
}

/// The layout is a promise between versions: a director of an older build must still be understood.
#[test]
fn the_layout_is_fixed() {
    let packet = hex::encode(beat().seal(&ring((1, 7), &[])));
    let expected = [
        "43524248",                         // magic
        "0100",                             // version, reserved
        "0001",                             // key id
        &hex::encode(Name::of("cl_1").0),   // cluster
        &hex::encode(Name::of("dir_a").0),  // sender
        "0102030405060708",                 // session
        "1112131415161718",                 // heard: session
        "0000000000000029",                 // heard: sequence
        "000000000000002a",                 // sequence
        "00000000000003ea",                 // epoch
        "0000000000000005",                 // grant: session
        "00000000000003eb",                 // grant: epoch
        "03010996",                         // state, seat, flags, priority
        "00000064",                         // interval
        "0000000000000007",                 // revision
        "09090909090909090909090909090909", // digest
        "000f4240",                         // connections
    ]
    .concat();
    assert_eq!(packet.get(..264), Some(expected.as_str()));
    assert_eq!(packet.len(), LENGTH * 2);
    // HMAC-SHA256 of the above under 32 bytes of 7, made with another implementation.
    assert_eq!(packet.get(264..), Some("cc9b10d5c08c6ac0b6a6ab8193257482c7e042299ab9a9a260beb33acfefb73f"));
}

#[test]
fn a_key_can_be_changed_while_beats_are_understood() {
    let old = ring((1, 1), &[]);
    let both = ring((1, 1), &[(2, 2)]);
    let new = ring((2, 2), &[(1, 1)]);
    for (sender, receiver) in [(&old, &both), (&both, &old), (&both, &new), (&new, &both)] {
        assert_eq!(Beat::open(&beat().seal(sender), receiver), Ok(beat()));
    }
    assert_eq!(Beat::open(&beat().seal(&new), &old), Err(BadBeat::Key));
    assert_eq!(Beat::open(&beat().seal(&ring((1, 3), &[])), &old), Err(BadBeat::Tag));
}

#[test]
fn what_is_no_beat_is_told_apart() {
    let keys = ring((1, 1), &[]);
    let packet = beat().seal(&keys);
    let mut longer = packet.clone();
    longer.push(0);
    assert_eq!(Beat::open(&longer, &keys), Err(BadBeat::Length));
    assert_eq!(Beat::open(&packet[..LENGTH - 1], &keys), Err(BadBeat::Length));
    assert_eq!(Beat::open(&[], &keys), Err(BadBeat::Length));
    for (at, expected) in
        [(0, BadBeat::Magic), (4, BadBeat::Version), (5, BadBeat::Version), (6, BadBeat::Key)]
    {
        let mut other = packet.clone();
        other[at] ^= 0x40;
        assert_eq!(Beat::open(&other, &keys), Err(expected));
    }
}

#[test]
fn an_authentic_beat_with_an_impossible_field_is_refused() {
    let keys = ring((1, 1), &[]);
    for wrong in [
        Beat { session: 0, ..beat() },
        Beat { priority: 0, ..beat() },
        Beat { interval: Duration::ZERO, ..beat() },
    ] {
        assert_eq!(Beat::open(&wrong.seal(&keys), &keys), Err(BadBeat::Field));
    }
}

#[test]
fn secrets_are_not_shown() {
    let shown = format!("{:?}", ring((3, 0xab), &[(4, 0xcd)]));
    assert!(!shown.contains("171") && !shown.contains("205"), "{shown}");
}

proptest! {
    #[test]
    fn what_is_sealed_is_opened(
        session in 1..u64::MAX, heard: u64, heard_sequence: u64, sequence: u64, epoch: u64, revision: u64,
        grant in proptest::option::of((1..u64::MAX, any::<u64>())),
        state in 0..5usize, seat: bool, flags: [bool; 5], priority in 1..=255u8, interval in 1..100_000u64, digest: [u8; 16],
        connections: u32,
    ) {
        let [ready, wants, held, holds, settled] = flags;
        let beat = Beat {
            cluster: Name::of("x"), sender: Name::of("y"), session, heard, heard_sequence, sequence, epoch, revision,
            grant: grant.map(|(session, epoch)| Grant { session, epoch }),
            state: [State::Starting, State::Standby, State::Active, State::Fault, State::Stopped][state],
            seat: if seat { Seat::Primary } else { Seat::Backup },
            ready, wants, held, holds, settled, priority, interval: Duration::from_millis(interval), digest, connections,
        };
        let keys = ring((1, 1), &[]);
        prop_assert_eq!(Beat::open(&beat.seal(&keys), &keys), Ok(beat));
    }

    #[test]
    fn any_changed_bit_is_noticed(at in 0..LENGTH, bit in 0..8u8) {
        let keys = ring((1, 1), &[]);
        let mut packet = beat().seal(&keys);
        packet[at] ^= 1 << bit;
        prop_assert!(Beat::open(&packet, &keys).is_err());
    }

    #[test]
    fn noise_is_no_beat(noise in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(Beat::open(&noise, &ring((1, 1), &[])).is_err());
    }
}
