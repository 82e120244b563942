//! The beat: what one director tells its partner, many times a second, as one UDP packet.
//!
//! A fixed layout of [`LENGTH`] bytes, all numbers in network byte order, closed by an HMAC-SHA256 tag (RFC 2104) over
//! everything before it. Nothing here keeps state: whether a beat is fresh is decided in `replay` and by the state
//! machine. Called by the agent's heartbeat thread, and by the fuzzer.
//!
//! ```text
//!   0  4  magic "CRBH"            64  8  sequence              96  1  state
//!   4  1  version, 1              72  8  epoch                 97  1  seat
//!   5  1  reserved, 0             80  8  grant: session        98  1  flags
//!   6  2  key id                  88  8  grant: epoch          99  1  priority
//!   8 16  cluster                                             100  4  interval, milliseconds
//!  24 16  sender                                              104  8  revision
//!  40  8  session                                             112 16  its digest, first half
//!  48  8  heard: session                                      128  4  connections
//!  56  8  heard: sequence                                     132 32  tag
//! ```

use std::time::Duration;

use thiserror::Error;

use super::key::Keyring;
use super::name::Name;
use crate::model::Seat;
use crate::wire::State;

/// Bytes of a beat on the wire.
pub const LENGTH: usize = SIGNED + super::key::TAG;

/// Bytes that the tag is made over.
const SIGNED: usize = 132;
const MAGIC: [u8; 4] = *b"CRBH";
const VERSION: u8 = 1;

const READY: u8 = 1;
const WANTS: u8 = 2;
const HELD: u8 = 4;
const HOLDS: u8 = 8;
const SETTLED: u8 = 16;

/// What a director says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beat {
    /// The cluster both directors serve.
    pub cluster: Name,
    /// Who says it.
    pub sender: Name,
    /// Drawn anew at each start of the sender; never 0.
    pub session: u64,
    /// The partner's session that the sender heard last; 0 before it heard any. A beat that names ours is fresh.
    pub heard: u64,
    /// The newest sequence number it heard of that session: the beat was sent after that one of ours.
    pub heard_sequence: u64,
    /// Rises with every beat of a session.
    pub sequence: u64,
    /// The highest epoch the sender ever claimed or heard of.
    pub epoch: u64,
    /// Ownership passed on, to one session.
    pub grant: Option<Grant>,
    /// The sender's lived state.
    pub state: State,
    /// Its configured place.
    pub seat: Seat,
    /// Whether it could take over without losing connections that can be kept.
    pub ready: bool,
    /// Whether it asks the active partner to hand over to it.
    pub wants: bool,
    /// Whether its operator holds it: it does not claim.
    pub held: bool,
    /// Whether its kernel holds the virtual addresses, whatever its state.
    pub holds: bool,
    /// Whether it hears its partner the way its present configuration says, with the same revision. The machine leaves it
    /// to whoever sends the beat.
    pub settled: bool,
    /// The higher of two that start together claims; 1 to 255.
    pub priority: u8,
    /// Time between two of its beats; whole milliseconds.
    pub interval: Duration,
    /// The revision it holds; 0 before the first.
    pub revision: u64,
    /// First half of that revision's SHA-256 digest.
    pub digest: [u8; 16],
    /// Connections in its kernel, as counted lately. The machine leaves it to whoever sends the beat.
    pub connections: u32,
}

/// Ownership that the active director passes to its partner: the partner claims with this epoch, and nobody else ever
/// does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The partner's session that it is meant for.
    pub session: u64,
    /// The epoch it claims with.
    pub epoch: u64,
}

/// Why a packet is no beat. Each is counted; the first three may be a stranger's, the others are said on the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Error)]
pub enum BadBeat {
    /// Not of this length.
    #[error("not as long as a beat")]
    Length,
    /// Does not begin as a beat does.
    #[error("not a beat")]
    Magic,
    /// A layout this build does not know.
    #[error("a beat of another version")]
    Version,
    /// Made with a key that is not known here.
    #[error("a beat made with an unknown key")]
    Key,
    /// The tag does not fit: made with another key of the same id, or changed on the way.
    #[error("a beat whose tag does not fit")]
    Tag,
    /// Authentic, and still not understood.
    #[error("a beat with a field out of range")]
    Field,
}

impl Beat {
    /// The packet, signed with the key the ring sends with.
    pub fn seal(&self, keys: &Keyring) -> Vec<u8> {
        let grant = self.grant.unwrap_or(Grant { session: 0, epoch: 0 });
        let flags = [
            (self.ready, READY),
            (self.wants, WANTS),
            (self.held, HELD),
            (self.holds, HOLDS),
            (self.settled, SETTLED),
        ];
        let flags = flags.iter().filter(|(set, _)| *set).fold(0, |all, (_, bit)| all | bit);
        let interval = u32::try_from(self.interval.as_millis()).unwrap_or(u32::MAX);
        let mut packet = [
            MAGIC.as_slice(),
            &[VERSION, 0],
            &keys.sending().id().to_be_bytes(),
            &self.cluster.0,
            &self.sender.0,
            &self.session.to_be_bytes(),
            &self.heard.to_be_bytes(),
            &self.heard_sequence.to_be_bytes(),
            &self.sequence.to_be_bytes(),
            &self.epoch.to_be_bytes(),
            &grant.session.to_be_bytes(),
            &grant.epoch.to_be_bytes(),
            &[state_number(self.state), seat_number(self.seat), flags, self.priority],
            &interval.to_be_bytes(),
            &self.revision.to_be_bytes(),
            &self.digest,
            &self.connections.to_be_bytes(),
        ]
        .concat();
        let tag = keys.sending().tag(&packet);
        packet.extend(tag);
        packet
    }

    /// The beat in a packet, if one of the ring's keys made it. The tag is checked before any other field is read.
    pub fn open(packet: &[u8], keys: &Keyring) -> Result<Beat, BadBeat> {
        if packet.len() != LENGTH {
            return Err(BadBeat::Length);
        }
        let (signed, tag) = packet.split_at_checked(SIGNED).ok_or(BadBeat::Length)?;
        let mut reader = Reader(signed);
        if reader.take::<4>()? != MAGIC {
            return Err(BadBeat::Magic);
        }
        if reader.take::<2>()? != [VERSION, 0] {
            return Err(BadBeat::Version);
        }
        let key = keys.find(u16::from_be_bytes(reader.take()?)).ok_or(BadBeat::Key)?;
        if !key.fits(signed, tag) {
            return Err(BadBeat::Tag);
        }
        let cluster = Name(reader.take()?);
        let sender = Name(reader.take()?);
        let session = reader.number()?;
        let heard = reader.number()?;
        let heard_sequence = reader.number()?;
        let sequence = reader.number()?;
        let epoch = reader.number()?;
        let grant = Grant { session: reader.number()?, epoch: reader.number()? };
        let [state, seat, flags, priority] = reader.take::<4>()?;
        let interval = u32::from_be_bytes(reader.take()?);
        let revision = reader.number()?;
        let digest = reader.take()?;
        let connections = u32::from_be_bytes(reader.take()?);
        if session == 0 || interval == 0 || priority == 0 {
            return Err(BadBeat::Field);
        }
        Ok(Beat {
            cluster,
            sender,
            session,
            heard,
            heard_sequence,
            sequence,
            epoch,
            grant: (grant.session != 0).then_some(grant),
            state: state_of(state).ok_or(BadBeat::Field)?,
            seat: seat_of(seat).ok_or(BadBeat::Field)?,
            ready: flags & READY != 0,
            wants: flags & WANTS != 0,
            held: flags & HELD != 0,
            holds: flags & HOLDS != 0,
            settled: flags & SETTLED != 0,
            priority,
            interval: Duration::from_millis(u64::from(interval)),
            revision,
            digest,
            connections,
        })
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], BadBeat> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or(BadBeat::Length)?;
        self.0 = rest;
        Ok(*head)
    }

    fn number(&mut self) -> Result<u64, BadBeat> {
        self.take().map(u64::from_be_bytes)
    }
}

fn state_number(state: State) -> u8 {
    match state {
        State::Starting => 1,
        State::Standby => 2,
        State::Active => 3,
        State::Fault => 4,
        State::Stopped => 5,
    }
}

fn state_of(number: u8) -> Option<State> {
    [State::Starting, State::Standby, State::Active, State::Fault, State::Stopped]
        .into_iter()
        .find(|state| state_number(*state) == number)
}

fn seat_number(seat: Seat) -> u8 {
    match seat {
        Seat::Primary => 1,
        Seat::Backup => 2,
    }
}

fn seat_of(number: u8) -> Option<Seat> {
    [Seat::Primary, Seat::Backup].into_iter().find(|seat| seat_number(*seat) == number)
}
