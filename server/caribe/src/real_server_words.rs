//! The words of `caribe real-server`; nothing is done here.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};

#[derive(Debug, Args)]
pub(crate) struct RealServer {
    #[command(subcommand)]
    pub(crate) command: State,
}

impl RealServer {
    /// Whether it runs until it is stopped.
    pub(crate) fn serves(&self) -> bool {
        matches!(self.command, State::Serve(_))
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum State {
    /// Run the load agent: say a share of the weight and the machine's state to whoever asks.
    Serve(Serve),
    /// Have directors send connections here as configured.
    Ready(Place),
    /// Have directors send no new connections here.
    Drain(Reason),
    /// Have directors take this machine out.
    Maint(Reason),
    /// Print what the load agent says.
    Status(Status),
    /// Put virtual addresses where nobody answers ARP for them, as direct routing and tunnels need it; or undo it.
    Setup(Setup),
}

#[derive(Debug, Args)]
pub(crate) struct Place {
    /// The real server's folder: its file `state` holds ready, drain or maint, and may be written by programs as well
    /// [default: /var/lib/caribe/real-server].
    #[arg(long, value_name = "DIR", env = "CARIBE_REAL_SERVER_DATA")]
    pub(crate) data: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct LoadLimits {
    /// Load average for each processor up to which all of the weight is given.
    #[arg(long, value_name = "LOAD", default_value_t = 1.0)]
    pub(crate) full_load: f64,
    /// Load average for each processor from which only the least is given; in between it falls evenly.
    #[arg(long, value_name = "LOAD", default_value_t = 4.0)]
    pub(crate) least_load: f64,
    /// The least share of the weight, percent.
    #[arg(long, value_name = "PERCENT", default_value_t = 10, value_parser = clap::value_parser!(u32).range(0..=100))]
    pub(crate) least: u32,
}

#[derive(Debug, Args)]
#[command(
    after_help = "In the console, set the weights of the virtual server to follow a load agent: a line from port 3639, or a page\n\
                        from the port of --http with the path /. HAProxy's agent-check reads the line as well. Weights are never more\n\
                        than what is configured there, nor less than its least percentage."
)]
pub(crate) struct Serve {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Where each connection is answered with one line; port 0 takes a free one [default: [::]:3639].
    #[arg(long, value_name = "ADDR:PORT", env = "CARIBE_REAL_SERVER_LINE")]
    pub(crate) line: Option<SocketAddr>,
    /// Where the same is answered over HTTP as a JSON object, at the path / [default: nowhere].
    #[arg(long, value_name = "ADDR:PORT", env = "CARIBE_REAL_SERVER_HTTP")]
    pub(crate) http: Option<SocketAddr>,
    #[command(flatten)]
    pub(crate) limits: LoadLimits,
}

#[derive(Debug, Args)]
pub(crate) struct Reason {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Why, for people who look at the file or the page.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) reason: String,
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    #[command(flatten)]
    pub(crate) place: Place,
    #[command(flatten)]
    pub(crate) limits: LoadLimits,
}

/// How packets come from the director.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ModeWord {
    /// Direct routing: the addresses go onto lo.
    Direct,
    /// Tunnels: the addresses go onto tunl0 (IPv6: ip6tnl0), with GRE onto gre0 (ip6gre0).
    Tunnel,
}

/// What a tunnel's packets are wrapped in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum EncapsulationWord {
    /// IP in IP.
    #[default]
    Ipip,
    /// IP in IP in UDP; the module fou takes it off.
    Gue,
    /// GRE; without checksums, which the kernel's common end of all tunnels refuses.
    Gre,
}

/// What is printed in place of doing it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PrintWord {
    /// A script for sh.
    Script,
    /// Files for systemd-networkd, systemd-sysctl and systemd-modules-load.
    Networkd,
}

#[derive(Debug, Args)]
#[command(
    after_help = "It needs root or CAP_NET_ADMIN, and lasts until the next boot; caribe-real-server.service does it at each boot, by the\n\
                        section [real_server] of the settings file. Run again with other addresses it takes off those that are not named any more. What the machine was before is recorded in\n\
                        its folder and put back by --undo; what it had already stays. What somebody else changed since stays as well."
)]
pub(crate) struct Setup {
    #[command(flatten)]
    pub(crate) place: Place,
    /// How packets come from the director.
    #[arg(long, value_enum, value_name = "MODE", requires = "vips")]
    pub(crate) mode: Option<ModeWord>,
    /// A virtual address; may be repeated.
    #[arg(long = "vip", id = "vips", value_name = "ADDRESS", value_delimiter = ',', requires = "mode")]
    pub(crate) vips: Vec<IpAddr>,
    /// What a tunnel's packets are wrapped in, as in the console [default: ipip].
    #[arg(long, value_enum, value_name = "KIND", requires = "mode")]
    pub(crate) encapsulation: Option<EncapsulationWord>,
    /// The UDP port of gue, as in the console [default: 6080].
    #[arg(long, value_name = "PORT", requires = "encapsulation", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) gue_port: Option<u16>,
    /// Set up what the section [real_server] of the settings file says; where it says nothing, take back what was set up.
    #[arg(long, conflicts_with_all = ["mode", "undo"])]
    pub(crate) settings: bool,
    /// Only load the kernel modules that it needs, for who may not load any later.
    #[arg(long, conflicts_with_all = ["undo", "print", "dry_run"])]
    pub(crate) modules: bool,
    /// Print how to do it by other means, and do nothing.
    #[arg(long, value_enum, value_name = "KIND")]
    pub(crate) print: Option<PrintWord>,
    /// Take back what was set up.
    #[arg(long)]
    pub(crate) undo: bool,
    /// Print the steps, and do nothing.
    #[arg(long, conflicts_with = "print")]
    pub(crate) dry_run: bool,
}
