//! The states of connections by the kernel's names and numbers (`include/net/ip_vs.h`, `ip_vs_proto_*.c`), with what each
//! means for a hand-over.

use crate::table::KernelTimeouts;

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// It goes on as long as it likes.
    Open,
    /// Its handshake is not over.
    Opening,
    /// One side has ended it.
    Closing,
}

/// How long the kernel keeps an entry in a state after the last packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Fixed(u32),
    Tcp,
    TcpFin,
    Udp,
}

/// The state of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionState {
    /// No connection: the memory of which real server a client is bound to (persistence).
    Template {
        /// A connection through it was established.
        assured: bool,
    },
    /// A connection.
    Phase(Phase),
}

/// The state of a connection, made by [`ConnectionState::of`] alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phase {
    number: u16,
    stage: Stage,
    active: bool,
    life: Life,
}

const TCP: u8 = 6;
const UDP: u8 = 17;
const SCTP: u8 = 132;

/// By number: name, stage, whether the real server counts it as active, life. Entries that listen for a connection to come
/// (data connections of a helper) are left out: they say nothing without what the helper knows.
const TCP_STATES: [(&str, Stage, bool, Life); 11] = [
    ("NONE", Stage::Opening, false, Life::Fixed(2)),
    ("ESTABLISHED", Stage::Open, true, Life::Tcp),
    ("SYN_SENT", Stage::Opening, true, Life::Fixed(120)),
    ("SYN_RECV", Stage::Opening, true, Life::Fixed(60)),
    ("FIN_WAIT", Stage::Closing, false, Life::TcpFin),
    ("TIME_WAIT", Stage::Closing, false, Life::Fixed(120)),
    ("CLOSE", Stage::Closing, false, Life::Fixed(10)),
    ("CLOSE_WAIT", Stage::Closing, false, Life::Fixed(60)),
    ("LAST_ACK", Stage::Closing, false, Life::Fixed(30)),
    ("", Stage::Opening, false, Life::Fixed(120)),
    ("SYNACK", Stage::Opening, true, Life::Fixed(120)),
];

const SCTP_STATES: [(&str, Stage, bool, Life); 14] = [
    ("NONE", Stage::Opening, false, Life::Fixed(2)),
    ("INIT1", Stage::Opening, false, Life::Fixed(4)),
    ("INIT", Stage::Opening, false, Life::Fixed(61)),
    ("C-SENT", Stage::Opening, false, Life::Fixed(61)),
    ("C-REPLIED", Stage::Opening, false, Life::Fixed(61)),
    ("C-WAIT", Stage::Opening, false, Life::Fixed(61)),
    ("COOKIE", Stage::Opening, false, Life::Fixed(61)),
    ("C-ECHOED", Stage::Opening, false, Life::Fixed(61)),
    ("ESTABLISHED", Stage::Open, true, Life::Fixed(900)),
    ("S-SENT", Stage::Closing, false, Life::Fixed(61)),
    ("S-RECEIVED", Stage::Closing, false, Life::Fixed(61)),
    ("S-ACK-SENT", Stage::Closing, false, Life::Fixed(61)),
    ("REJECTED", Stage::Closing, false, Life::Fixed(4)),
    ("CLOSED", Stage::Closing, false, Life::Fixed(61)),
];

impl ConnectionState {
    /// The state with this name, of an entry of this protocol; `template`: it is no connection (its client has no port).
    /// None for a name that is not known, or not to be told to anybody.
    pub fn of(protocol: u8, name: &str, template: bool) -> Option<Self> {
        if template {
            return match name {
                "ASSURED" => Some(ConnectionState::Template { assured: true }),
                "NONE" => Some(ConnectionState::Template { assured: false }),
                _ => None,
            };
        }
        let states: &[_] = match protocol {
            TCP => &TCP_STATES,
            SCTP => &SCTP_STATES,
            UDP if name == "UDP" => {
                let phase = Phase { number: 0, stage: Stage::Open, active: false, life: Life::Udp };
                return Some(ConnectionState::Phase(phase));
            }
            _ => return None,
        };
        let of_name = |(_, state): &(u16, &(&str, Stage, bool, Life))| !name.is_empty() && state.0 == name;
        let (number, (_, stage, active, life)) = (0_u16..).zip(states).find(of_name)?;
        Some(ConnectionState::Phase(Phase { number, stage: *stage, active: *active, life: *life }))
    }

    /// The kernel's number.
    pub fn number(self) -> u16 {
        match self {
            ConnectionState::Template { assured } => assured.into(),
            ConnectionState::Phase(phase) => phase.number,
        }
    }

    /// Whether the kernel counts it as active for its real server.
    pub fn is_active(self) -> bool {
        matches!(self, ConnectionState::Phase(phase) if phase.active)
    }

    /// How far it is; none for a template.
    pub(super) fn stage(self) -> Option<Stage> {
        match self {
            ConnectionState::Template { .. } => None,
            ConnectionState::Phase(phase) => Some(phase.stage),
        }
    }

    /// Seconds that the kernel keeps it after the last packet; none for a template, whose service says so.
    pub(super) fn life_s(self, timeouts: KernelTimeouts) -> Option<u32> {
        let ConnectionState::Phase(phase) = self else { return None };
        Some(match phase.life {
            Life::Fixed(seconds) => seconds,
            Life::Tcp => timeouts.tcp,
            Life::TcpFin => timeouts.tcpfin,
            Life::Udp => timeouts.udp,
        })
    }
}
