//! Orders and status on the director itself, over a socket in the agent's folder: for an operator whose console is dead.
//!
//! No network and no token: the socket is its owner's alone (0600, in a folder that is 0700), and the kernel says who
//! dials it. One line of JSON is asked, one is answered. [`ask`] is the other end, for `caribe agent order` and `status`.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use lvs::wire::{OrderRequest, Refusal, Status};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::timeout;

use crate::agent::Shared;
use crate::disk::Folder;

/// The socket's name in the agent's folder.
const NAME: &str = "agent.sock";
/// The longest question.
const LONGEST: u64 = 4 * 1024;
/// The longest answer: a status with a hundred drifting rows.
const ANSWER: u64 = 4 * 1024 * 1024;
/// How long either side waits for the other.
const PATIENCE: Duration = Duration::from_secs(10);

/// What can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "ask", content = "with")]
pub enum LocalQuestion {
    /// How the director is.
    Status,
    /// To follow an order.
    Order(OrderRequest),
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "answer", content = "with")]
pub enum LocalAnswer {
    /// How it is.
    Status(Box<Status>),
    /// The order is followed.
    Followed,
    /// It is not, or the question could not be read.
    Refused(Refusal),
}

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// No agent listens there, or another user's.
    #[error("no agent answers at {}: {reason}; is it running, and are you its user (root)?", .socket.display())]
    Unreachable {
        /// Where.
        socket: PathBuf,
        /// Why.
        reason: io::Error,
    },
    /// The answer is not one.
    #[error("the agent's answer could not be read: {0}")]
    Answer(String),
}

/// Asks the agent that runs on this folder. Blocks.
///
/// # Errors
/// Where none runs there, or it does not answer.
pub fn ask(folder: &Path, question: LocalQuestion) -> Result<LocalAnswer, LocalError> {
    let socket = folder.join(NAME);
    let exchange = || -> io::Result<String> {
        let mut stream = std::os::unix::net::UnixStream::connect(&socket)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut line = serde_json::to_vec(&question)?;
        line.push(b'\n');
        stream.write_all(&line)?;
        let mut answer = String::new();
        BufReader::new(stream.take(ANSWER)).read_line(&mut answer)?;
        Ok(answer)
    };
    let answer = exchange().map_err(|reason| LocalError::Unreachable { socket: socket.clone(), reason })?;
    serde_json::from_str(&answer).map_err(|error| LocalError::Answer(error.to_string()))
}

/// Opens the socket, in place of one that an agent before left behind: the folder's lock says that none runs.
pub(crate) fn open(folder: &Folder) -> io::Result<UnixListener> {
    let socket = folder.path(NAME);
    match std::fs::remove_file(&socket) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&socket)?;
    std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Answers until the task is ended.
pub(crate) async fn serve(listener: UnixListener, shared: Arc<Shared>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(timeout(PATIENCE * 2, answer(stream, shared.clone())));
            }
            Err(error) => {
                tracing::warn!(%error, "the local socket takes nobody at present");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

async fn answer(stream: UnixStream, shared: Arc<Shared>) -> io::Result<()> {
    let peer = stream.peer_cred()?;
    let own = rustix::process::geteuid().as_raw();
    let (reading, mut writing) = stream.into_split();
    let answer = if peer.uid() != 0 && peer.uid() != own {
        let detail = format!("user {} may not give orders to this agent", peer.uid());
        LocalAnswer::Refused(Refusal::Identity { detail })
    } else {
        let mut line = String::new();
        tokio::io::BufReader::new(reading.take(LONGEST)).read_line(&mut line).await?;
        match serde_json::from_str(&line) {
            Ok(LocalQuestion::Status) => LocalAnswer::Status(Box::new(shared.board.status())),
            Ok(LocalQuestion::Order(request)) => match shared.order(request).await {
                Ok(()) => LocalAnswer::Followed,
                Err(refusal) => LocalAnswer::Refused(refusal),
            },
            Err(error) => LocalAnswer::Refused(Refusal::Malformed { detail: error.to_string() }),
        }
    };
    let mut line = serde_json::to_vec(&answer)?;
    line.push(b'\n');
    writing.write_all(&line).await
}
