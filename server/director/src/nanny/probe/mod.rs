//! Probes: one question asked of one server once, within its time, and what came of it.
//!
//! A probe decides nothing about a server: it says what it saw ([`Outcome`]) and keeps what it saw it by (`Trail`). It opens
//! at most one connection, never follows a redirect and never starts a shell. What the agent itself could not do is
//! [`Outcome::Undecided`], never a failure of the server. `nanny` calls it, on its own runtime.

mod database;
mod dns;
mod doorstep;
mod http;
mod load;
mod mail;
mod pattern;
mod ping;
mod prepare;
mod program;
mod socket;
mod talk;
#[cfg(test)]
mod tests;
mod text;
mod tls;
mod trail;
mod udp;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kernel::Door;
use lvs::health::{Failure, LoadReport, Outcome, Phase, ProgramFailure, Trouble};
use rustls::crypto::aws_lc_rs;
use tokio::time::timeout;

pub(crate) use doorstep::Doorstep;
pub(crate) use prepare::{Asking, Prepared, prepare, prepare_load};
pub(crate) use program::Programs;
pub(crate) use text::shown;
pub(crate) use trail::Marks;

use trail::Trail;

/// How much later than its end a probe may be ended for that to say something about the server: who was not given the
/// processor has not listened.
const LATE: Duration = Duration::from_millis(250);

/// A question to one server.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    /// Whom.
    pub(crate) target: SocketAddr,
    /// By which way.
    pub(crate) way: Way,
    /// All the time it may take.
    pub(crate) timeout: Duration,
    /// What.
    pub(crate) asked: Arc<Prepared>,
    /// Where it is also asked as clients' packets arrive, once it has answered.
    pub(crate) through: Option<Door>,
}

/// How packets of a probe leave this machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Way {
    /// From this address.
    pub(crate) source: Option<IpAddr>,
    /// From this port; 0 takes any.
    pub(crate) port: u16,
    /// With this firewall mark; 0 is none.
    pub(crate) mark: u32,
    /// Through this interface.
    pub(crate) interface: Option<String>,
}

/// What came of a probe.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) outcome: Outcome,
    /// More about a failure or trouble, for people.
    pub(crate) detail: Option<String>,
    pub(crate) marks: Marks,
}

impl Answer {
    /// One without any trail.
    pub(crate) fn plain(outcome: Outcome) -> Self {
        Answer { outcome, detail: None, marks: Trail::new().end() }
    }
}

/// Why a probe did not succeed.
#[derive(Debug)]
pub(crate) struct Fault {
    outcome: Outcome,
    detail: Option<String>,
}

impl Fault {
    fn down(failure: Failure, detail: impl Into<String>) -> Self {
        Fault { outcome: Outcome::Down(failure), detail: Some(detail.into()) }
    }

    /// The other side breaks its protocol.
    fn protocol(detail: impl Into<String>) -> Self {
        Fault::down(Failure::Protocol, detail)
    }

    /// The agent itself cannot do it.
    fn trouble(trouble: Trouble, detail: impl Into<String>) -> Self {
        Fault { outcome: Outcome::Undecided(trouble), detail: Some(detail.into()) }
    }

    /// A setting makes no sense on this machine.
    fn setting(detail: impl Into<String>) -> Self {
        Fault::trouble(Trouble::NotPossibleHere, detail)
    }

    fn is(&self, trouble: Trouble) -> bool {
        self.outcome == Outcome::Undecided(trouble)
    }
}

fn down(failure: Failure) -> Fault {
    Fault { outcome: Outcome::Down(failure), detail: None }
}

impl Prepared {
    /// What a probe has failed by whose time has ended.
    fn out_of_time(&self, trail: &Trail) -> Failure {
        let phase = trail.lock().phase;
        match self {
            Prepared::Program(_) | Prepared::LoadProgram(_) if phase != Phase::DataPath => {
                Failure::Program { reason: ProgramFailure::TimedOut }
            }
            _ => Failure::TimedOut { phase },
        }
    }
}

impl Question {
    fn target_without_port(&self) -> SocketAddr {
        SocketAddr::new(self.target.ip(), 0)
    }
}

/// Asks once. Ends within the question's time, whatever the other side does; asking through the data path as well has as much
/// time again.
pub(crate) async fn ask(question: &Question, doorstep: &Doorstep) -> Answer {
    let trail = Trail::new();
    let mut ended = within(question, &trail, put(question, &trail)).await;
    if let (Ok(_), Some(door)) = (&ended, question.through)
        && let Err(fault) = within(question, &trail, doorstep.knock(question, door, &trail)).await
    {
        ended = Err(fault);
    }
    let (outcome, detail) = match ended {
        Ok(load) => (Outcome::Up { load }, None),
        Err(fault) => (fault.outcome, fault.detail),
    };
    Answer { outcome, detail, marks: trail.end() }
}

/// What comes of a part of a probe in the time that a question has.
async fn within<T>(
    question: &Question,
    trail: &Trail,
    part: impl Future<Output = Result<T, Fault>>,
) -> Result<T, Fault> {
    let began = Instant::now();
    timeout(question.timeout, part).await.unwrap_or_else(|_| {
        let over = began.elapsed().saturating_sub(question.timeout);
        Err(if over > LATE.max(question.timeout / 4) {
            Fault { outcome: Outcome::Undecided(Trouble::Late), detail: None }
        } else {
            down(question.asked.out_of_time(trail))
        })
    })
}

async fn put(question: &Question, trail: &Trail) -> Result<Option<LoadReport>, Fault> {
    match question.asked.as_ref() {
        Prepared::Connect => socket::touch(question, trail).await?,
        Prepared::Talk { send, expect, udp: false } => {
            talk::by_tcp(question, send, expect.as_ref(), trail).await?;
        }
        Prepared::Talk { send, expect, udp: true } => {
            talk::by_udp(question, send, expect.as_ref(), trail).await?;
        }
        Prepared::Page(page) => http::ask(question, page, trail).await?,
        Prepared::Tls(terms) => drop(tls::connect(question, terms, trail).await?),
        Prepared::Datagram(datagram) => udp::ask(question, datagram, question.timeout, trail).await?,
        Prepared::Dns(inquiry) => dns::ask(question, inquiry, u16::from_ne_bytes(random()?), trail).await?,
        Prepared::Mail { helo } => mail::ask(question, helo, trail).await?,
        Prepared::Ping => ping::ask(question, random()?, trail).await?,
        Prepared::Mysql { user } => database::mysql(question, user, trail).await?,
        Prepared::Postgres { user, database } => {
            database::postgres(question, user, database.as_deref(), trail).await?;
        }
        Prepared::Redis { login, .. } => database::redis(question, login.as_ref(), trail).await?,
        Prepared::Program(program) => return program.run(question, trail).await,
        Prepared::LoadLine { send } => return load::line(question, send, trail).await.map(Some),
        Prepared::LoadPage(page) => return load::page(question, page, trail).await.map(Some),
        Prepared::LoadProgram(program) => return load::program(question, program, trail).await.map(Some),
        Prepared::Impossible { detail } => return Err(Fault::setting(detail.clone())),
    }
    Ok(None)
}

/// Bytes that nobody can foresee.
fn random<const N: usize>() -> Result<[u8; N], Fault> {
    let mut bytes = [0; N];
    match aws_lc_rs::default_provider().secure_random.fill(&mut bytes) {
        Ok(()) => Ok(bytes),
        Err(_) => Err(Fault::trouble(Trouble::Resources, "the system gives no random numbers")),
    }
}
