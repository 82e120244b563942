//! What callers of the cluster functions see.

use jiff::Timestamp;
use lvs::format::FileKind;
use lvs::model::{Director, GlobalSettings, Id, RealServer, Redundancy, Seat, VirtualServer};
use lvs::wire::Digest;
use lvs::{Cluster, Findings};

/// One line of the clusters list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterSummary {
    /// The console's id (`cl_…`).
    pub id: String,
    /// Its unique name.
    pub name: String,
    /// The running revision; none before the first activation.
    pub running: Option<u64>,
    /// Virtual servers of the running revision.
    pub virtual_servers: usize,
    /// Directors of the running revision.
    pub directors: usize,
    /// Who has a draft (`account/alice`).
    pub drafts: Vec<String>,
    /// When the running revision was activated.
    pub changed: Option<Timestamp>,
}

/// A cluster as all see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterView {
    /// The console's id (`cl_…`).
    pub id: String,
    /// Its unique name.
    pub name: String,
    /// What runs; none before the first activation.
    pub running: Option<Revision>,
    /// Who has a draft (`account/alice`).
    pub drafts: Vec<String>,
    /// Who of them asks somebody else to activate it.
    pub asking: Vec<String>,
    /// What runs on trial, if it does.
    pub provisional: Option<Provisional>,
}

/// A running revision that is undone unless somebody keeps it in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Provisional {
    /// Its number.
    pub revision: u64,
    /// When it is undone.
    pub until: Timestamp,
}

/// An immutable, numbered content of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// What the list shows of it.
    pub summary: RevisionSummary,
    /// The content.
    pub content: Cluster,
}

/// A revision without its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevisionSummary {
    /// From 1, rising per cluster (Piranha's `serial_no`).
    pub number: u64,
    /// The revision it was made from; none for the first.
    pub parent: Option<u64>,
    /// Of the content.
    pub digest: Digest,
    /// Who made it, and activated it where nobody else did.
    pub author: String,
    /// Who activated it, where that is somebody else.
    pub approver: Option<String>,
    /// Whether it was on trial and was undone.
    pub undone: bool,
    /// Why, in their words; may be empty.
    pub message: String,
    /// When.
    pub created: Timestamp,
}

/// A person's unactivated change of one cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// The cluster's id (`cl_…`).
    pub cluster_id: String,
    /// Whose it is (`account/alice`).
    pub owner: String,
    /// The revision it was begun from; none where nothing ran.
    pub base: Option<u64>,
    /// The content.
    pub content: Cluster,
    /// All that is wrong or surprising in it, by field.
    pub findings: Findings,
    /// Changes whenever the draft does; strong.
    pub etag: String,
    /// When it was last changed.
    pub changed: Timestamp,
    /// Set while its owner asks somebody else to activate it; any further change takes that back.
    pub asked: Option<Asked>,
}

/// Somebody asks somebody else to activate a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Since when.
    pub at: Timestamp,
    /// Why, in their words; may be empty.
    pub message: String,
}

/// What a caller works on: their draft where they have one, else what runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// The cluster's id (`cl_…`).
    pub cluster_id: String,
    /// The content; an empty cluster of that name where nothing ran yet and the caller has no draft.
    pub content: Cluster,
    /// Whether it is the caller's draft.
    pub draft: bool,
    /// The running revision.
    pub running: Option<u64>,
    /// The revision the content comes from.
    pub base: Option<u64>,
    /// To be given back as `if_match` of a change.
    pub etag: String,
    /// Digest of the content.
    pub digest: Digest,
}

/// One change of a draft. Wherever an `Id` names an object, its unique name serves as well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// The cluster's name.
    Name(String),
    /// GLOBAL SETTINGS.
    Global(GlobalSettings),
    /// REDUNDANCY.
    Redundancy(Redundancy),
    /// Add a director, or replace the one called `previous`.
    PutDirector {
        /// Its name until now; none adds.
        previous: Option<String>,
        /// The new content.
        director: Director,
    },
    /// Remove the director of that name.
    RemoveDirector(String),
    /// Add a virtual server, or replace one **with its real servers**. Its own id is given or kept by the console;
    /// real servers keep the ids they have there, others get new ones.
    PutVirtualServer {
        /// Which; none adds.
        id: Option<Id>,
        /// The new content.
        server: VirtualServer,
    },
    /// Remove a virtual server.
    RemoveVirtualServer(Id),
    /// Add a real server, or replace one.
    PutRealServer {
        /// Of which virtual server.
        virtual_server: Id,
        /// Which; none adds.
        id: Option<Id>,
        /// The new content.
        server: RealServer,
    },
    /// Remove a real server.
    RemoveRealServer {
        /// Of which virtual server.
        virtual_server: Id,
        /// Which.
        id: Id,
    },
    /// Piranha's (DE)ACTIVATE.
    SetActive {
        /// The virtual server.
        virtual_server: Id,
        /// One of its real servers; none means the virtual server itself.
        real_server: Option<Id>,
        /// Whether it takes part.
        active: bool,
    },
    /// All of it, as `PUT /clusters/{id}` does.
    Replace(Cluster),
    /// Several, one after another, as one change: all of them or none. What refuses it is said about the content that
    /// all of them leave; so that every place still is what it was, one that removes comes first.
    Together(Vec<Edit>),
}

/// A finished edit: the draft, and the object it wrote where that got or has an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The draft as it is now.
    pub draft: Draft,
    /// Id of the virtual or real server that was written.
    pub id: Option<Id>,
    /// Whether anything is other than before. Where not, nothing was written: a draft that was not there is not begun.
    pub changed: bool,
    /// What became of the activation that was asked for, where there was anything to activate: the draft is no more.
    pub activation: Option<Activation>,
}

/// What a file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The cluster, where the file could be used.
    pub cluster: Option<Cluster>,
    /// All that is to be said about it, by line.
    pub findings: Findings,
    /// The kind that it was read as; none where nothing told it.
    pub kind: Option<FileKind>,
}

/// What activating the caller's draft would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// The draft's own tag.
    pub etag: String,
    /// The revision it was begun from.
    pub base: Option<u64>,
    /// The running revision.
    pub running: Option<u64>,
    /// Set where activation would be refused because somebody else activated since.
    pub conflict: Option<RevisionSummary>,
    /// All that is wrong or surprising; with an error in it the directors' lists are empty.
    pub findings: Findings,
    /// Draft against what runs, in words; against its own parent where `conflict` is set.
    pub changes: Vec<ChangeLine>,
    /// What each director's kernel would be told, the first to be pushed first. Empty where `conflict` is set.
    pub directors: Vec<DirectorPreview>,
}

/// One difference between two contents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeLine {
    /// What kind of object differs.
    pub object: Object,
    /// Its name: `http`, `http / web1`; empty for the cluster itself.
    pub name: String,
    /// What happened.
    pub change: ChangeKind,
}

/// What kind of object differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Object {
    /// The cluster itself: its name.
    Cluster,
    /// GLOBAL SETTINGS.
    Global,
    /// REDUNDANCY.
    Redundancy,
    /// A director.
    Director,
    /// A virtual server.
    VirtualServer,
    /// A real server.
    RealServer,
}

/// What happened to an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// A field is different.
    Field {
        /// The field, by its JSON path within the object (`vip.address`).
        field: String,
        /// What runs; none where the field was not set.
        before: Option<String>,
        /// What the draft says; none where it is no longer set.
        after: Option<String>,
    },
}

/// What a plan for one director is based on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// Its kernel as it reports now.
    Live,
    /// Its kernel as last reported, at that time; it is not connected now.
    LastKnown(Timestamp),
    /// It never reported: an empty kernel is assumed.
    Unknown,
}

/// What one director's kernel would be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectorPreview {
    /// Its name.
    pub name: String,
    /// Its configured place.
    pub seat: Seat,
    /// Whether it is connected now.
    pub connected: bool,
    /// What the plan starts from.
    pub basis: Basis,
    /// The steps in order, as `ipvsadm` and `ip` lines.
    pub steps: Vec<String>,
    /// Services that exist already and become ours.
    pub adopted: Vec<String>,
    /// Services that are not ours and stay as they are.
    pub foreign: Vec<String>,
}

/// A finished activation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activation {
    /// The new revision.
    pub revision: u64,
    /// Its digest.
    pub digest: Digest,
    /// Result per director, in the order pushed (standby first).
    pub results: Vec<PushResult>,
}

/// What became of a push to one director.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushResult {
    /// The director's name.
    pub director: String,
    /// What happened.
    pub outcome: PushOutcome,
}

/// What became of a push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PushOutcome {
    /// The director holds the revision.
    Applied {
        /// Whether its kernel holds all of it.
        in_sync: bool,
        /// Steps done, as text.
        steps: Vec<String>,
        /// Steps that failed (`step: reason`); the agent tries again.
        failures: Vec<String>,
        /// Milliseconds from receiving to answering.
        took_ms: u64,
    },
    /// The director refused it; nothing changed there.
    Refused {
        /// Its reason.
        reason: String,
    },
    /// It could not be reached, or it did not answer in time; the push is repeated when it is back.
    Unreachable {
        /// What failed.
        reason: String,
    },
    /// No agent has joined for this director yet.
    NotEnrolled,
    /// Nothing was pushed: the director holds a newer or unknown revision and a person has to decide.
    Held {
        /// Why, in words.
        reason: String,
    },
}
