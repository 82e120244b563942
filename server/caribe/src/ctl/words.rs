//! The command line of `caribe ctl`: words and flags; nothing is done here.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Args)]
#[command(
    after_help = "A profile is made by `caribe ctl login`; without one, CARIBE_URL and CARIBE_TOKEN say where and who\n\
                        (and CARIBE_CERTIFICATE which certificate is believed, where no authority of this machine vouches for it).\n\
                        Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 different (diff), or not yet everywhere\n\
                        (apply, activate, keep, undo, drain --wait, heartbeat-key), or not answered (check)."
)]
pub(crate) struct Ctl {
    #[command(flatten)]
    pub(crate) place: Place,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Which console, and how its answers are shown.
#[derive(Debug, Args)]
pub(crate) struct Place {
    /// The profile that `login` made.
    #[arg(long, global = true, value_name = "NAME", env = "CARIBE_PROFILE", default_value = "default")]
    pub(crate) profile: String,
    /// Address of the console, as https://HOST:3636; the profile's otherwise.
    #[arg(long, global = true, value_name = "URL", env = "CARIBE_URL")]
    pub(crate) url: Option<String>,
    /// Fingerprint of the console's certificate, as `caribe serve` prints it behind `browser-certificate`.
    #[arg(long, global = true, value_name = "sha256:HEX", env = "CARIBE_CERTIFICATE")]
    pub(crate) certificate: Option<String>,
    /// How answers are shown.
    #[arg(long, short, global = true, value_enum, default_value_t = Form::Table)]
    pub(crate) output: Form,
}

/// How answers are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// For people.
    Table,
    /// The API's own answer.
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Remember a console and a token (asked for, or read from standard input) as a profile.
    Login {
        /// The console, as https://HOST:3636.
        #[arg(value_name = "URL")]
        console: String,
    },
    /// Forget a profile.
    Logout,
    /// List the clusters.
    Clusters,
    /// Show directors, virtual servers and real servers with what they do now.
    Status {
        /// The cluster.
        cluster: String,
    },
    /// Show the same again whenever two seconds have passed, until Ctrl-C.
    Watch {
        /// The cluster.
        cluster: String,
    },
    /// Print a cluster as TOML (or JSON), or write it as a folder of files for Git.
    Get {
        /// The cluster.
        cluster: String,
        /// Write cluster.toml, directors/ and virtual-servers/ here; comments and order of files that are there are kept.
        #[arg(long, value_name = "FOLDER")]
        folder: Option<PathBuf>,
        /// What runs, where there is a draft of one's own.
        #[arg(long)]
        running: bool,
    },
    /// Make a cluster what a file or folder says, new or not, and activate that.
    Apply(Apply),
    /// Show what `apply` would change: in words, and as each director's exact steps.
    Diff(Wanted),
    /// Show what one's draft would change, or that of somebody else.
    Plan {
        /// The cluster.
        cluster: String,
        /// Whose draft, as `drafts` lists it (account/alice).
        #[arg(long, value_name = "OWNER")]
        of: Option<String>,
    },
    /// List everybody's drafts, and who asks for the activation of theirs.
    Drafts {
        /// The cluster.
        cluster: String,
    },
    /// Ask somebody else to activate one's draft.
    Ask {
        /// The cluster.
        cluster: String,
        /// Why.
        #[arg(long, short, default_value = "")]
        message: String,
    },
    /// Activate one's draft, or that of somebody else.
    Activate {
        /// The cluster.
        cluster: String,
        /// Whose draft, as `drafts` lists it (account/alice) and shows its tag; one's own where nothing is said.
        #[arg(long, value_name = "OWNER", requires = "tag")]
        of: Option<String>,
        /// Tag of the draft that was looked at (`plan --of`): another content is not activated.
        #[arg(long, value_name = "TAG", requires = "of")]
        tag: Option<String>,
        /// Why, for the list of revisions.
        #[arg(long, short, default_value = "")]
        message: String,
        /// Undo it after so many seconds unless `caribe ctl keep` is said.
        #[arg(long, value_name = "SECONDS")]
        keep_within: Option<u32>,
    },
    /// Discard one's draft.
    Discard {
        /// The cluster.
        cluster: String,
    },
    /// Keep what runs on trial.
    Keep {
        /// The cluster.
        cluster: String,
    },
    /// Undo what runs on trial, now.
    Undo {
        /// The cluster.
        cluster: String,
    },
    /// List the revisions, newest first.
    Revisions {
        /// The cluster.
        cluster: String,
    },
    /// Make an earlier revision's content run again, as a new revision.
    Rollback {
        /// The cluster.
        cluster: String,
        /// The revision.
        revision: u64,
        /// Why, for the list of revisions.
        #[arg(long, short, default_value = "")]
        message: String,
    },
    /// Give a real server no new connections and let it empty.
    Drain(Drain),
    /// End orders for a real server: it gets connections again.
    Enable(Target),
    /// Take a real server out at once.
    Disable(Target),
    /// Hand over to the standby, or back.
    SwitchOver {
        /// The cluster.
        cluster: String,
        /// Even where connections are lost that could be kept by waiting.
        #[arg(long)]
        force: bool,
    },
    /// Let a director neither claim nor hand over, until `resume`.
    Hold {
        /// The cluster.
        cluster: String,
        /// The director.
        director: String,
    },
    /// End a hold.
    Resume {
        /// The cluster.
        cluster: String,
        /// The director.
        director: String,
    },
    /// Have every director ask a real server at once, and show what each saw.
    Check {
        /// The cluster.
        cluster: String,
        /// VIRTUAL-SERVER/REAL-SERVER by name or id.
        #[arg(value_name = "SERVER")]
        server: String,
    },
    /// List the virtual addresses and who holds them.
    Vips {
        /// The cluster.
        cluster: String,
    },
    /// Give the directors another key for their heartbeat; nothing is interrupted.
    HeartbeatKey {
        /// The cluster.
        cluster: String,
    },
    /// Make a join token for a director, and show the command to be typed there.
    Join {
        /// The cluster.
        cluster: String,
        /// The director.
        director: String,
        /// Where the console dials it, as HOST:PORT; where absent, the address it joins from.
        #[arg(long, value_name = "ADDRESS")]
        dial: Option<String>,
    },
    /// List the join tokens that are not used yet.
    Enrollments,
    /// End the unused join token of a director.
    EndEnrollment {
        /// The cluster.
        cluster: String,
        /// The director.
        director: String,
    },
    /// End the certificates of a director at once; its kernel stays as it is.
    Revoke {
        /// The cluster.
        cluster: String,
        /// The director.
        director: String,
    },
    /// Make a draft of configuration files.
    Import(Import),
    /// Write a cluster as files of another kind.
    Export {
        /// The cluster.
        cluster: String,
        /// What to write.
        #[arg(long, value_enum, value_name = "KIND")]
        to: crate::cli::To,
        /// Write into this folder [default: standard output].
        #[arg(long, value_name = "FOLDER")]
        folder: Option<PathBuf>,
    },
    /// List what happened, oldest first.
    Events {
        /// The cluster.
        cluster: String,
        /// Go on with what happens, until Ctrl-C.
        #[arg(long, short)]
        follow: bool,
    },
    /// List who did what, oldest first.
    Audit {
        /// Of this cluster alone.
        #[arg(long, value_name = "NAME")]
        cluster: Option<String>,
        /// How many rows, of the newest.
        #[arg(long, value_name = "NUMBER", default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=500))]
        limit: u16,
    },
    /// Have the console make a backup of itself now, into the folder of its settings.
    Backup,
}

/// A cluster as a file or folder says it.
#[derive(Debug, Args)]
pub(crate) struct Wanted {
    /// A TOML or JSON file, a folder that `get --folder` wrote, or `-` for TOML on standard input.
    #[arg(value_name = "FILE-or-FOLDER")]
    pub(crate) path: PathBuf,
    /// The cluster, where it is not called what the file says.
    #[arg(long, value_name = "NAME")]
    pub(crate) cluster: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Apply {
    #[command(flatten)]
    pub(crate) wanted: Wanted,
    /// Why, for the list of revisions.
    #[arg(long, short, default_value = "")]
    pub(crate) message: String,
}

/// Which real servers an order is for.
#[derive(Debug, Args)]
pub(crate) struct Target {
    /// The cluster.
    pub(crate) cluster: String,
    /// VIRTUAL-SERVER/REAL-SERVER by name or id, or the address of a machine: all services on it.
    #[arg(value_name = "SERVER")]
    pub(crate) target: String,
    /// Why, for the audit log.
    #[arg(long, default_value = "")]
    pub(crate) reason: String,
}

#[derive(Debug, Args)]
pub(crate) struct Drain {
    #[command(flatten)]
    pub(crate) target: Target,
    /// Also end the persistence of its clients.
    #[arg(long)]
    pub(crate) now: bool,
    /// Until when it should be empty.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) deadline: Option<u32>,
    /// Cut off what is left at the deadline.
    #[arg(long, requires = "deadline")]
    pub(crate) cut: bool,
    /// Wait until every director says that none is left.
    #[arg(long)]
    pub(crate) wait: bool,
    /// How long to wait at most.
    #[arg(long, value_name = "SECONDS", default_value_t = 3600, requires = "wait")]
    pub(crate) timeout: u32,
}

#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The files; several are the nodes of one keepalived cluster.
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// What kind of files they are.
    #[arg(long, value_enum, value_name = "KIND", default_value_t = crate::cli::From::Auto)]
    pub(crate) from: crate::cli::From,
    /// The cluster whose draft this becomes; a new one otherwise.
    #[arg(long, value_name = "NAME")]
    pub(crate) into: Option<String>,
    /// What a new cluster is called, where the file's name for it is not wanted.
    #[arg(long, value_name = "NAME", conflicts_with = "into")]
    pub(crate) name: Option<String>,
    /// Which configuration is meant, where a text holds several.
    #[arg(long, value_name = "NAME")]
    pub(crate) candidate: Option<String>,
    /// Take Caribe's own protocol and timers in place of the file's.
    #[arg(long)]
    pub(crate) default_timers: bool,
}
