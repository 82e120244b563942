//! What console and agents say to each other over HTTPS (`/v1/…` on the agent, `/agent/v1/…` on the console).
//!
//! Unknown fields are tolerated, missing required ones refused, so that a console can speak to agents one version
//! older or newer. Every message is JSON; the status stream is one JSON object a line.

mod checking;
mod checks;
mod command;
mod joining;
mod refusal;
mod status;
mod stream;
mod target;
mod trying;
mod witness;

pub use checking::{CheckKey, CheckNow, CheckedNow, Checking};
pub use checks::{
    CheckEvidence, CheckStatus, CheckerStatus, Checks, ChecksChange, Evidence, OrderStatus, OrdersPush,
    OrdersStatus, OrdersTaken, Recent, ServiceChange, ServiceChecks, Timings,
};
pub use command::{DirectorOrder, OrderRequest};
pub use joining::{Credentials, JoinRequest, RenewRequest, console_uri, director_uri};
pub use refusal::Refusal;
pub use status::{
    Drift, HeartbeatStatus, HookOutcome, HookStatus, LinkFault, LinkTrouble, PartnerStatus, RepairRequest,
    Repaired, State, Status, Undone,
};
pub use stream::{Event, Snapshot};
pub use target::{Applied, Digest, HeartbeatKey, HeartbeatKeys, Provisional, StepFailure, Target};
pub use trying::CheckTry;
pub use witness::{Testimony, Witnessed};

/// The protocol name agents offer in ALPN when they dial the console's port; browsers never do.
pub const AGENT_ALPN: &[u8] = b"caribe-agent/1";
